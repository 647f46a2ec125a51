// Exchanges over HTTP/2 step by step: what one of them does costs no other, and none waits without an end.
#include <gtest/gtest.h>

#include <atomic>

#include "async/gate.h"
#include "async/spawn.h"
#include "async/testing/run_task.h"
#include "async/yield.h"
#include "net/client_exchange.h"
#include "net/http_client.h"
#include "net/testing/http2_peer.h"

namespace fiso::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::Http2Peer;
using testing::ScriptedUpstream;
using Conversation = ScriptedUpstream::Conversation;

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

const HeaderList& no_fields() {
  static const HeaderList none;
  return none;
}

StreamedRequest asking(std::string_view target) {
  return {.head = {.method = "GET", .target = target, .host = "x", .headers = no_fields()}};
}

class Http2Exchange : public ::testing::Test {
 protected:
  Http2Exchange() : shards_(1), blocking_(1, 16) {}
  ~Http2Exchange() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }

  // What the test does on the shard, with a client of `port`.
  template <class F>
  void run(uint16_t port, F make, ClientOptions options = {}) {
    options.origin.host = "127.0.0.1";
    options.origin.port = port;
    options.speaks = Speaks::kHttp2;
    shards_.run_on(0, [&](async::Shard& shard) { client_ = std::make_unique<HttpClient>(shard, blocking_, options); });
    testing::run_task(shards_[0], make);
  }
  static Task<int> status_of(ClientExchange& exchange) {
    Result<HttpResponse*> head = co_await exchange.read_head(in(hours(1)));
    EXPECT_TRUE(head.has_value()) << head.error().describe();
    co_return head.has_value() ? (*head)->status : 0;
  }
  // Lets the test go on.
  Task<> until(const std::atomic<bool>& is_so) {
    while (!is_so.load()) co_await async::yield(shards_[0]);
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<HttpClient> client_;
};

// Answers the first request when there is another.
void answer_two(Conversation& c) {
  Http2Peer peer(c);
  int32_t first = peer.next_request(), second = peer.next_request();
  if (second == 0) return;
  peer.answer(second, 200, "second");
  peer.answer(first, 200, "first");
  peer.until([] { return false; });
}

TEST_F(Http2Exchange, ARequestGivenUpBeforeItHasGoneOutCostsNoOther) {
  ScriptedUpstream target(answer_two);
  run(target.port(), [&]() -> Task<> {
    StreamedRequest one = asking("/1"), two = asking("/2"), three = asking("/3");
    ClientExchange first(*client_), given_up(*client_), last(*client_);
    EXPECT_TRUE((co_await first.start(one, in(hours(1)))).has_value());
    EXPECT_TRUE((co_await given_up.start(two, in(hours(1)))).has_value());
    given_up.abort();
    given_up.finish();
    EXPECT_TRUE((co_await last.start(three, in(hours(1)))).has_value());
    EXPECT_EQ(co_await status_of(last), 200);
    EXPECT_EQ(co_await status_of(first), 200);
  });
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(Http2Exchange, AHeadThatIsTooLargeToBeSentIsAnErrorOfItsRequestAlone) {
  ScriptedUpstream target(answer_two);
  run(target.port(), [&]() -> Task<> {
    HeaderList much;
    for (int i = 0; i < 80; ++i) much.add("x-much", std::string(50'000, 'm'));
    StreamedRequest one = asking("/1"), three = asking("/3");
    StreamedRequest large{.head = {.method = "GET", .target = "/", .host = "x", .headers = much}};
    ClientExchange first(*client_), too_large(*client_), last(*client_);
    EXPECT_TRUE((co_await first.start(one, in(hours(1)))).has_value());
    EXPECT_TRUE((co_await too_large.start(large, in(hours(1)))).has_value());
    Result<HttpResponse*> head = co_await too_large.read_head(in(hours(1)));
    EXPECT_FALSE(head.has_value());
    if (!head.has_value()) {
      EXPECT_EQ(head.error().code(), ErrorCode::kInvalidInput);
      EXPECT_EQ(head.error().message(), "request headers too large");
    }
    EXPECT_TRUE((co_await last.start(three, in(hours(1)))).has_value());
    EXPECT_EQ(co_await status_of(last), 200);
    EXPECT_EQ(co_await status_of(first), 200);
  });
  EXPECT_EQ(target.connections(), 1);
}

// Of as many bytes as a server of ours lets through.
TEST_F(Http2Exchange, ALargeHeadIsSent) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    int32_t stream = peer.next_request();
    peer.answer(stream, 200, "");
    peer.until([] { return false; });
  });
  run(target.port(), [&]() -> Task<> {
    HeaderList much;
    for (int i = 0; i < 64; ++i) much.add("x-much", std::string(1000, 'm'));
    StreamedRequest large{.head = {.method = "GET", .target = "/", .host = "x", .headers = much}};
    ClientExchange exchange(*client_);
    EXPECT_TRUE((co_await exchange.start(large, in(hours(1)))).has_value());
    EXPECT_EQ(co_await status_of(exchange), 200);
  });
}

// Though one before it was taken meanwhile.
TEST_F(Http2Exchange, APieceThatIsNotTakenHasItsDeadline) {
  std::atomic<bool> both_wait{false};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c, Http2Peer::Windows::kByHand);
    peer.until([&] { return peer.at(1).body.size() == 65535; });
    while (!both_wait.load()) std::this_thread::yield();
    peer.open_window(0, 1 << 20);
    peer.open_window(1, 10);
    peer.until([] { return false; });
  });
  run(target.port(), [&]() -> Task<> {
    StreamedRequest request{
        .head = {.method = "POST", .target = "/", .host = "x", .headers = no_fields(), .framing = Framing::kChunked},
        .more = true};
    ClientExchange exchange(*client_);
    EXPECT_TRUE((co_await exchange.start(request, in(hours(1)))).has_value());
    EXPECT_TRUE((co_await exchange.write(std::string(65535, 'x'), in(hours(1)))).has_value());
    EXPECT_TRUE((co_await exchange.write("small, ten", in(hours(1)))).has_value());
    async::Gate telling(shards_[0].executor());
    auto tell = [](std::atomic<bool>& flag, async::Gate::Pass) -> Task<> {
      flag = true;
      co_return;
    };
    async::spawn(shards_[0], tell(both_wait, telling.enter()));
    Result<> written = co_await exchange.write(std::string(20'000, 'y'), in(milliseconds(300)));
    EXPECT_FALSE(written.has_value());
    if (!written.has_value()) EXPECT_EQ(written.error().code(), ErrorCode::kTimeout);
    co_await telling.wait_empty();
  });
}

TEST_F(Http2Exchange, AConnectionThatNeverCarriesARequestIsClosedWhenItsIdleTimeIsOver) {
  std::atomic<bool> gone_away{false};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    peer.until([] { return false; });
    gone_away = peer.gone_away();
  });
  ClientOptions options;
  options.idle_timeout = milliseconds(60);
  run(
      target.port(),
      [&]() -> Task<> {
        StreamedRequest request = asking("no path");
        ClientExchange exchange(*client_);
        EXPECT_FALSE((co_await exchange.start(request, in(hours(1)))).has_value());
        exchange.finish();
        co_await until(gone_away);
      },
      options);
}

TEST_F(Http2Exchange, AnAnswerThatIsCompleteIsNotKeptWaitingByABodyThatNobodyTakes) {
  std::atomic<bool> is_reset{false};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c, Http2Peer::Windows::kByHand);
    peer.until([&] { return peer.at(1).body.size() == 65535; });
    peer.answer(1, 413, "too much");
    peer.until([&] { return peer.at(1).closed; });
    EXPECT_EQ(peer.at(1).error, static_cast<uint32_t>(NGHTTP2_CANCEL));
    EXPECT_FALSE(peer.at(1).ended);
    is_reset = true;
    peer.until([] { return false; });
  });
  std::string body(1 << 20, 'b');
  run(target.port(), [&]() -> Task<> {
    StreamedRequest request{.head = {.method = "POST",
                                     .target = "/",
                                     .host = "x",
                                     .headers = no_fields(),
                                     .framing = Framing::kLength,
                                     .length = body.size()},
                            .body = body};
    ClientExchange exchange(*client_);
    EXPECT_TRUE((co_await exchange.start(request, in(hours(1)))).has_value());
    EXPECT_EQ(co_await status_of(exchange), 413);
    Result<std::string_view> piece = co_await exchange.read(in(hours(1)));
    EXPECT_TRUE(piece.has_value() && *piece == "too much");
    co_await until(is_reset);
  });
}

}  // namespace
}  // namespace fiso::net

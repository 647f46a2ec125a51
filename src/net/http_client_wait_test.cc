// What a client does for an origin that serves one connection until that is closed.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "async/testing/run_task.h"
#include "net/http_client.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::net {
namespace {

using testing::response_text;
using testing::ScriptedUpstream;
using Conversation = ScriptedUpstream::Conversation;

constexpr unsigned kNotKept = 16;  // after idle ones were given up

class HttpClientWaitTest : public ::testing::Test {
 protected:
  ~HttpClientWaitTest() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }
  void connect_to(uint16_t port, std::function<void()> waits = {}) {
    ClientOptions options{.origin = {.scheme = Scheme::kHttp, .host = "127.0.0.1", .port = port, .target = "/"},
                          .waits_for_first_answer = std::move(waits)};
    shards_.run_on(0, [&](async::Shard& shard) { client_ = std::make_unique<HttpClient>(shard, blocking_, std::move(options)); });
  }
  std::string get(Connection connection = Connection::kShared) {
    ClientRequest request{.method = "GET", .target = "/", .body = {}, .connection = connection};
    auto response = ::fiso::testing::run_task(
        shards_[0], [&] { return client_->send(request, std::chrono::steady_clock::now() + std::chrono::seconds(30)); });
    return response.has_value() ? response->body : response.error().describe();
  }
  size_t idle() {
    size_t count = 0;
    shards_.run_on(0, [&](async::Shard&) { count = client_->idle(); });
    return count;
  }

  async::ShardSet shards_{1};
  async::BlockingPool blocking_{1, 16};
  std::unique_ptr<HttpClient> client_;
};

void answer_all(Conversation& c) {
  for (std::string request; !(request = c.read_request()).empty();) c.send(response_text(200, request));
}

TEST_F(HttpClientWaitTest, AConnectionOfItsOwnIsNewAndSaysThatItIsClosed) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port());
  EXPECT_EQ(get().find("Connection"), std::string::npos);
  EXPECT_EQ(idle(), 1u);
  EXPECT_NE(get(Connection::kOwn).find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(idle(), 1u);
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_F(HttpClientWaitTest, WhoeverIsNamedIsToldAgainAndAgainThatAFirstAnswerIsWaitedFor) {
  std::atomic<int> told = 0;
  ScriptedUpstream upstream([&](Conversation& c) {
    for (int i = 0; !c.read_request().empty(); ++i) {
      while (i == 0 && told < 2) std::this_thread::yield();
      c.send(response_text(200, "done"));
    }
  });
  connect_to(upstream.port(), [&] { ++told; });
  EXPECT_EQ(get(), "done");
  EXPECT_GE(told, 2);
}

TEST_F(HttpClientWaitTest, IdleConnectionsAreGivenUpAndTheNextFewAreNotKept) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port());
  get();
  EXPECT_EQ(idle(), 1u);
  shards_.run_on(0, [&](async::Shard&) { client_->give_up_idle(); });
  EXPECT_EQ(idle(), 0u);
  for (unsigned i = 0; i < kNotKept; ++i) {
    get();
    EXPECT_EQ(idle(), 0u) << i;
  }
  get();
  EXPECT_EQ(idle(), 1u);
}

}  // namespace
}  // namespace fiso::net

// Drains against peers and machines that do not help: requests that stop to arrive, no thread to be had.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "async/signal.h"
#include "async/testing/no_threads.h"
#include "net/http_server.h"
#include "net/streaming_service.h"
#include "net/testing/raw_client.h"

namespace fiso::net {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::body_of;
using testing::RawClient;
using testing::status_of;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kHalfHead = "POST / HTTP/1.1\r\nHo";
constexpr std::string_view kHalfBody = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab";

// Answers with the body; /wait when the test says so.
class Echo final : public HttpService, private StreamingService {
 public:
  explicit Echo(async::Shard& shard) : go_(shard.executor()) {}
  Task<HttpResponse> call(HttpRequest& request) override {
    if (request.path() == "/wait") {
      waiting = true;
      co_await go_.wait();
    }
    co_return HttpResponse{200, {}, request.body};
  }
  StreamingService* streaming() override { return streams ? this : nullptr; }
  void go() { go_.set(); }
  std::atomic<bool> waiting{false};
  bool streams = false;

 private:
  Task<> serve(HttpRequest&, ServerExchange& exchange) override {
    HttpResponse response;
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      if (piece->empty()) break;
      response.body += *piece;
    }
    (void)co_await answer(exchange, response);
  }
  async::Signal go_;
};

class HttpServerDrain : public ::testing::Test {
 protected:
  HttpServerDrain() {
    shards_.run_on(0, [&](async::Shard& shard) { service_ = std::make_unique<Echo>(shard); });
  }
  ~HttpServerDrain() override {
    release();
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
  // Whoever waits for one of the usual deadlines waits longer than the test.
  void start(Duration grace) {
    ServerLimits limits{.header_timeout = hours(1), .body_timeout = hours(1), .idle_timeout = hours(1), .drain_grace = grace};
    server_ = std::make_unique<HttpServer>(shards_, ServerOptions{"127.0.0.1:0", limits, {}},
                                           [this](async::Shard&) -> HttpService& { return *service_; });
    ASSERT_TRUE(server_->bind().has_value());
    server_->start();
  }
  void release() {
    shards_.run_on(0, [&](async::Shard&) { service_->go(); });
  }
  // Everything that clients have sent before has been read.
  void until_read(size_t connections) {
    while (server_->stats().connections < connections) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) shards_.run_on(0, [](async::Shard&) {});
  }
  HttpServer::Drained wait() { return server_->wait_drained(std::chrono::steady_clock::now() + hours(1)); }

  async::ShardSet shards_{1};
  std::unique_ptr<Echo> service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerDrain, RequestsThatStoppedToArriveAreNotWaitedFor) {
  for (bool streams : {false, true}) {
    service_->streams = streams;
    start(milliseconds(50));
    std::array<RawClient, 2> clients{RawClient(server_->port()), RawClient(server_->port())};
    clients[0].send(kHalfHead);
    clients[1].send(kHalfBody);
    until_read(2);
    server_->begin_drain();
    std::thread reader([&] {
      for (RawClient& client : clients) {
        EXPECT_EQ(status_of(client.read_all()), 408) << streams;
        client.close();
      }
    });
    EXPECT_EQ(wait(), HttpServer::Drained::kClean) << streams;
    reader.join();
    EXPECT_EQ(server_->stats().timeouts, 2u) << streams;
    server_.reset();
  }
}

TEST_F(HttpServerDrain, RequestsThatBeginInItAndStopAreNotWaitedForEither) {
  start(milliseconds(300));
  std::array<RawClient, 2> clients{RawClient(server_->port()), RawClient(server_->port())};
  EXPECT_EQ(status_of(clients[0].exchange(kGet)), 200);
  until_read(2);
  server_->begin_drain();
  for (RawClient& client : clients) client.send(kHalfHead);
  std::thread reader([&] {
    for (RawClient& client : clients) {
      EXPECT_EQ(status_of(client.read_all()), 408);
      client.close();
    }
  });
  EXPECT_EQ(wait(), HttpServer::Drained::kClean);
  reader.join();
}

TEST_F(HttpServerDrain, RequestsThatAreStillArrivingAreServed) {
  for (bool streams : {false, true}) {
    service_->streams = streams;
    start(std::chrono::seconds(30));
    RawClient client(server_->port());
    client.send(kHalfHead);
    until_read(1);
    server_->begin_drain();
    std::thread sender([&] {
      client.send(std::string_view("st: x\r\nContent-Length: 4\r\n\r\na"));
      for (std::string_view piece : {"b", "c", "d"}) client.send(piece);
      std::string response = client.read_all();
      EXPECT_EQ(status_of(response), 200) << streams;
      EXPECT_EQ(body_of(response), "abcd") << streams;
      client.close();
    });
    EXPECT_EQ(wait(), HttpServer::Drained::kClean) << streams;
    sender.join();
    server_.reset();
  }
}

TEST_F(HttpServerDrain, ARequestThatIsNotHereAtTheDeadlineIsNotCut) {
  start(hours(1));
  RawClient client(server_->port());
  client.send(kHalfBody);
  until_read(1);
  EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + milliseconds(50)), HttpServer::Drained::kClean);
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpServerDrain, IdleConnectionsThatTheirClientsKeepOpenDoNotHoldItUp) {
  start(milliseconds(10));
  RawClient used(server_->port()), fresh(server_->port());
  EXPECT_EQ(status_of(used.exchange(kGet)), 200);
  until_read(2);
  server_->begin_drain();
  EXPECT_EQ(wait(), HttpServer::Drained::kClean);
  EXPECT_EQ(used.read_all(), "");
  EXPECT_EQ(fresh.read_all(), "");
}

// Who pipelines, and reads nothing of it, has gone for good as far as a drain is concerned.
TEST_F(HttpServerDrain, AnAnswerThatIsNotTakenIsNotCutButOver) {
  for (bool streams : {false, true}) {
    shards_.run_on(0, [&](async::Shard&) { service_->streams = streams; });
    start(milliseconds(10));
    RawClient client(server_->port());
    std::string body(8 << 20, 'x');  // more than sockets take
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    until_read(1);
    EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + seconds(4)), HttpServer::Drained::kClean);
    server_.reset();
  }
}

TEST_F(HttpServerDrain, ItNeedsNoThread) {
  start(milliseconds(10));
  RawClient client(server_->port());
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  while (!service_->waiting) std::this_thread::yield();
  testing::NoThreads none;
  EXPECT_THROW(std::thread([] {}).join(), std::system_error);
  server_->begin_drain();
  auto end = server_->finish_drain(std::chrono::steady_clock::now() + hours(1));
  EXPECT_EQ(end.wait_for(milliseconds(0)), std::future_status::timeout);
  release();
  EXPECT_EQ(status_of(client.read_all()), 200);
  client.close();
  EXPECT_EQ(end.get(), HttpServer::Drained::kClean);
  EXPECT_FALSE(RawClient(server_->port()).is_open());
}

TEST_F(HttpServerDrain, AServerThatNeverStartedIsDrainedAtOnce) {
  start(hours(1));
  HttpServer other(shards_, ServerOptions{"127.0.0.1:0", {}, {}}, [this](async::Shard&) -> HttpService& { return *service_; });
  ASSERT_TRUE(other.bind().has_value());
  EXPECT_EQ(other.drain(std::chrono::steady_clock::now() + hours(1)), HttpServer::Drained::kClean);
}

}  // namespace
}  // namespace fiso::net

// A service that answers whole requests learns that its client has left.
#include "net/client_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "async/gate.h"
#include "net/http_server.h"
#include "net/testing/raw_client.h"

namespace fiso::net {
namespace {

// Answers once its client has gone, or the test says so.
class CuriousService final : public HttpService {
 public:
  explicit CuriousService(async::Shard& shard) : go_(shard.executor()) {}

  Task<HttpResponse> call(HttpRequest& request) override {
    request.caller->when_gone(this, [](void* self) noexcept {
      auto& service = *static_cast<CuriousService*>(self);
      service.gone.store(true);
      service.go_.close();
    });
    waiting.store(true);
    co_await go_.wait_closed(kNever);
    request.caller->when_gone(nullptr, nullptr);
    co_return HttpResponse{200, {}, "late"};
  }
  void go() { go_.close(); }
  std::atomic<bool> waiting{false}, gone{false};

 private:
  async::Gate go_;
};

class ClientWatchTest : public ::testing::Test {
 protected:
  ClientWatchTest() {
    shards_.run_on(0, [&](async::Shard& shard) { service_ = std::make_unique<CuriousService>(shard); });
    server_ = std::make_unique<HttpServer>(shards_, ServerOptions{"127.0.0.1:0", {}, {}, nullptr},
                                           [this](async::Shard&) -> HttpService& { return *service_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
  }
  ~ClientWatchTest() override {
    shards_.run_on(0, [&](async::Shard&) { service_->go(); });
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
  void ask(testing::RawClient& client) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    while (!service_->waiting.load()) std::this_thread::yield();
  }

  async::ShardSet shards_{1};
  std::unique_ptr<CuriousService> service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ClientWatchTest, AServiceIsToldOfAClientThatLeavesDuringItsCall) {
  {
    testing::RawClient client(server_->port());
    ask(client);
    EXPECT_FALSE(service_->gone.load());
  }
  while (!service_->gone.load()) std::this_thread::yield();
}

TEST_F(ClientWatchTest, AConnectionThatIsCutHasNoClientAnyMore) {
  testing::RawClient client(server_->port());
  ask(client);
  server_->begin_drain();
  EXPECT_EQ(server_->wait_drained(std::chrono::steady_clock::now()), HttpServer::Drained::kCut);
  EXPECT_TRUE(service_->gone.load());
}

TEST_F(ClientWatchTest, WhoStaysIsAnswered) {
  testing::RawClient client(server_->port());
  ask(client);
  shards_.run_on(0, [&](async::Shard&) { service_->go(); });
  EXPECT_EQ(testing::body_of(client.read_response()), "late");
  EXPECT_FALSE(service_->gone.load());
}

}  // namespace
}  // namespace fiso::net

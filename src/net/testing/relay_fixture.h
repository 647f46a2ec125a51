// A server that relays to a port on loopback, and the targets and clients that tests of it need.
//
// Threading: of a test's thread; RelayService is made, used and destroyed on one shard, its counts are thread-safe.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "net/http_service.h"
#include "net/http_status.h"
#include "net/relay.h"
#include "net/testing/raw_client.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::testing {

using Conversation = ScriptedUpstream::Conversation;

inline constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
inline constexpr size_t kMega = 1 << 20;

inline net::ClientOptions target_on(uint16_t port) {
  net::ClientOptions options;
  options.origin.host = "127.0.0.1";
  options.origin.port = port;
  return options;
}

class RelayService final : public net::HttpService, public net::StreamingService {
 public:
  RelayService(async::Shard& shard, async::BlockingPool& blocking, net::ClientOptions target, net::RelayOptions options)
      : client_(shard, blocking, std::move(target)), relay_(shard, client_, options, [this] { return next_instead(); }) {}
  // Tried, in turn, when the target cannot be connected to.
  std::vector<net::HttpClient*> instead;

  net::StreamingService* streaming() override { return this; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::HttpResponse{500, {}, {}}; }
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    Result<int> passed = co_await relay_.pass(head, exchange);
    if (passed.has_value()) co_return;
    ++failed;
    if (passed.error().code() == ErrorCode::kCancelled || exchange.begun()) co_return;
    net::HttpResponse response = net::text_response(net::status_for(passed.error().code()), passed.error().message());
    (void)co_await net::answer(exchange, response);
  }

  void set_tls(net::TlsContext tls) { client_.set_tls(std::move(tls)); }
  size_t idle() const { return client_.idle(); }
  std::atomic<int> failed{0};

 private:
  Task<net::HttpClient*> next_instead() {
    if (instead.empty()) co_return nullptr;
    net::HttpClient* next = instead.front();
    instead.erase(instead.begin());
    co_return next;
  }

  net::HttpClient client_;
  net::Relay relay_;
};

class RelayFixture : public ::testing::Test {
 protected:
  RelayFixture() : shards_(1), blocking_(1, 16) {}
  ~RelayFixture() override {
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }

  // The port of a server that relays to `target`.
  uint16_t relay_to(uint16_t target, net::RelayOptions options = {}, net::ServerLimits limits = {}) {
    return relay_to(target_on(target), options, limits);
  }
  uint16_t relay_to(net::ClientOptions target, net::RelayOptions options = {}, net::ServerLimits limits = {}) {
    shards_.run_on(
        0, [&](async::Shard& shard) { service_ = std::make_unique<RelayService>(shard, blocking_, std::move(target), options); });
    server_ = std::make_unique<net::HttpServer>(shards_, net::ServerOptions{"127.0.0.1:0", limits, {}, nullptr},
                                                [this](async::Shard&) -> net::HttpService& { return *service_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
    return server_->port();
  }
  size_t idle() {
    size_t count = 0;
    shards_.run_on(0, [&](async::Shard&) { count = service_->idle(); });
    return count;
  }
  void until_failed(int times) {
    while (service_->failed.load() < times) std::this_thread::yield();
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<RelayService> service_;
  std::unique_ptr<net::HttpServer> server_;
};

inline void answer_all(Conversation& c) {
  for (std::string request; !(request = c.read_request()).empty();) c.send(response_text(200, request));
}

// Answers every request with `bytes`.
inline ScriptedUpstream::Script answering(std::string bytes) {
  return [bytes](Conversation& c) {
    while (!c.read_request().empty()) c.send(bytes);
  };
}

}  // namespace fiso::testing

// A server that takes requests to targets, with nobody that looks after their credentials: tests say what there is.
//
// Threading: of a test's thread; the stack lives on the one shard.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

#include "core/resources.h"
#include "link/link_stack.h"
#include "net/http_server.h"
#include "net/http_service.h"
#include "net/testing/raw_client.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::testing {

class LinkService final : public net::HttpService {
 public:
  explicit LinkService(link::LinkStackParts parts) : stack(std::move(parts)) {}
  net::StreamingService* streaming() override { return &stack; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::HttpResponse{500, {}, {}}; }

  link::LinkStack stack;
};

class LinkFixture : public ::testing::Test {
 protected:
  LinkFixture() : shards_(1), blocking_(1, 16), bodies_(shards_, 64 << 20, 0) {
    shards_.run_on(0, [&](async::Shard& shard) {
      service_ = std::make_unique<LinkService>(
          link::LinkStackParts{.shard = shard,
                               .blocking = blocking_,
                               .metrics = metrics_,
                               .log = observe::Log(),
                               .bodies = bodies_,
                               .most_intercepted = 1 << 20,
                               .reject = [this](const auto& target, uint64_t number) { rejected_ = {target, number}; }});
    });
    server_ = std::make_unique<net::HttpServer>(shards_, net::ServerOptions{"127.0.0.1:0", {}, {}, nullptr},
                                                [this](async::Shard&) -> net::HttpService& { return *service_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
  }
  ~LinkFixture() override {
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }

  static link::TargetConfig config_on(uint16_t port) {
    link::TargetConfig config;
    config.name = "a";
    config.protocol = link::Protocol::kHttp;
    config.host = "127.0.0.1";
    config.port = port;
    return config;
  }
  std::shared_ptr<link::Target> make(const link::TargetConfig& config) {
    return std::move(link::Target::make(config, {}, shards_, metrics_).value());
  }
  void use(const std::vector<std::shared_ptr<link::Target>>& targets) {
    core::Resources none;
    link::Targets in_use;
    for (const auto& target : targets)
      in_use.push_back({target, std::move(link::InterceptionPlan::prepare("a", {}, none, metrics_, observe::Log()).value())});
    on_shard([&](link::LinkStack& stack) { stack.use(in_use, {}); });
  }
  void on_shard(const std::function<void(link::LinkStack&)>& act) {
    shards_.run_on(0, [&](async::Shard&) { act(service_->stack); });
  }
  static link::CredentialState credential(std::string value, uint64_t number) {
    return {.credential = link::Credential{"Authorization", Secret(std::move(value)), number}};
  }
  std::string get() {
    RawClient client(server_->port());
    return client.exchange("GET /link/a/x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  observe::Metrics metrics_;
  async::Limiter bodies_;
  std::pair<std::shared_ptr<link::Target>, uint64_t> rejected_;  // what was rejected last; of the shard
  std::unique_ptr<LinkService> service_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace fiso::testing

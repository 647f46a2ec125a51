#include "net/local_services.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "async/signal.h"
#include "async/spawn.h"
#include "async/testing/run_task.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace fiso::net {
namespace {

constexpr char kName[] = "app://a";

MonotonicTime soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(30); }

// Answers with its name, the path and who asks; /wait when the test says so.
class Named final : public HttpService {
 public:
  Named(async::Shard& shard, std::string name) : name_(std::move(name)), go_(shard.executor()) {}
  Task<HttpResponse> call(HttpRequest& request) override {
    if (request.path() == "/wait") {
      waiting = true;
      co_await go_.wait();
    }
    std::string host(request.headers.find("host").value_or(""));
    co_return HttpResponse{200, {}, name_ + " " + request.target + " " + host + " " + std::string(request.remote_address)};
  }
  void go() { go_.set(); }
  std::atomic<bool> waiting{false};

 private:
  const std::string name_;
  async::Signal go_;
};

// A server of one shard that serves under whatever name the test gives it.
struct Server {
  Server(async::ShardSet& all, const std::string& name) : shards(all) {
    shards.run_on(0, [&](async::Shard& shard) { service = std::make_unique<Named>(shard, name); });
    ServerOptions options{.address = "127.0.0.1:0"};
    options.limits.drain_grace = std::chrono::hours(1);
    http = std::make_unique<HttpServer>(shards, options, [this](async::Shard&) -> HttpService& { return *service; });
    EXPECT_TRUE(http->bind().has_value());
    http->start();
  }
  ~Server() {
    http.reset();
    shards.run_on(0, [&](async::Shard&) { service.reset(); });
  }

  async::ShardSet& shards;
  std::unique_ptr<Named> service;
  std::unique_ptr<HttpServer> http;
};

class LocalServicesTest : public ::testing::Test {
 protected:
  LocalServicesTest() {
    shards_.run_on(0, [&](async::Shard& shard) {
      ClientOptions options{.origin = {.host = "localhost"}, .local = &services_, .local_name = kName};
      client_ = std::make_unique<HttpClient>(shard, blocking_, options);
    });
  }
  ~LocalServicesTest() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }

  Result<ClientResponse> get(std::string_view target, MonotonicTime deadline = soon()) {
    return testing::run_task(shards_[0], [&] { return client_->send({.method = "GET", .target = target}, deadline); });
  }
  std::string text(std::string_view target) {
    auto answer = get(target);
    return answer.has_value() ? answer->body : answer.error().describe();
  }
  size_t idle() {
    size_t count = 0;
    shards_.run_on(0, [&](async::Shard&) { count = client_->idle(); });
    return count;
  }

  async::ShardSet shards_{1};
  async::BlockingPool blocking_{1, 16};
  LocalServices services_{shards_};
  std::unique_ptr<HttpClient> client_;
};

TEST_F(LocalServicesTest, ARequestIsAnsweredByWhomTheNameLeadsToAndTheConnectionIsKept) {
  Server server(shards_, "one");
  services_.lead(kName, *server.http);
  EXPECT_EQ(text("/x?y=1"), "one /x?y=1 localhost 127.0.0.1:0");
  EXPECT_EQ(text("/z"), "one /z localhost 127.0.0.1:0");
  EXPECT_EQ(server.http->stats().accepted, 1u);
  EXPECT_EQ(server.http->stats().connections, 1u);
  EXPECT_EQ(idle(), 1u);
}

TEST_F(LocalServicesTest, ANameThatLeadsNowhereIsUnavailable) {
  auto answer = get("/");
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(answer.error().describe(), "app://a: not there");
}

TEST_F(LocalServicesTest, WhatANameLedToBeforeGetsNoNewRequest) {
  Server one(shards_, "one"), two(shards_, "two");
  services_.lead(kName, *one.http);
  EXPECT_EQ(text("/").substr(0, 3), "one");
  services_.lead(kName, *two.http);
  EXPECT_EQ(text("/").substr(0, 3), "two");
  services_.lead(kName, *two.http);
  EXPECT_EQ(text("/").substr(0, 3), "two");
  EXPECT_EQ(two.http->stats().accepted, 1u);
  services_.forget(kName);
  EXPECT_EQ(text("/"), "app://a: not there");
  services_.forget(kName);
}

TEST_F(LocalServicesTest, ADrainDoesNotWaitForConnectionsThatNothingComesOn) {
  Server server(shards_, "one");
  services_.lead(kName, *server.http);
  EXPECT_EQ(text("/").substr(0, 3), "one");
  services_.forget(kName);
  EXPECT_EQ(server.http->drain(std::chrono::steady_clock::now() + std::chrono::hours(1)), HttpServer::Drained::kClean);
}

TEST_F(LocalServicesTest, ARequestThatIsUnderWayIsAnsweredInADrain) {
  Server server(shards_, "one");
  services_.lead(kName, *server.http);
  std::promise<Result<ClientResponse>> answered;
  shards_[0].post([&] {
    async::spawn(shards_[0], [](HttpClient& client, std::promise<Result<ClientResponse>>& done) -> Task<> {
      done.set_value(co_await client.send({.method = "GET", .target = "/wait"}, soon()));
    }(*client_, answered));
  });
  while (!server.service->waiting) std::this_thread::yield();
  services_.forget(kName);
  server.http->begin_drain();
  EXPECT_EQ(text("/"), "app://a: not there");
  shards_.run_on(0, [&](async::Shard&) { server.service->go(); });
  EXPECT_EQ(answered.get_future().get()->body.substr(0, 9), "one /wait");
  EXPECT_EQ(server.http->wait_drained(std::chrono::steady_clock::now() + std::chrono::hours(1)), HttpServer::Drained::kClean);
}

TEST_F(LocalServicesTest, ADeadlineEndsTheWaiting) {
  Server server(shards_, "one");
  services_.lead(kName, *server.http);
  auto answer = get("/wait", std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
  EXPECT_EQ(answer.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(answer.error().describe(), "app://a: timeout");
  shards_.run_on(0, [&](async::Shard&) { server.service->go(); });
}

TEST(LocalUrl, IsTakenApart) {
  struct Case {
    std::string_view text, service, target;
  };
  for (const Case& one :
       {Case{"app://orders", "app://orders", "/"}, Case{"app://orders/v1/x?y=2", "app://orders", "/v1/x?y=2"},
        Case{"APP://Orders?y", "app://Orders", "/?y"}, Case{"link://crm", "link://crm", "/link/crm"},
        Case{"link://crm/", "link://crm", "/link/crm/"}, Case{"Link://crm/a%2Fb", "link://crm", "/link/crm/a%2Fb"}}) {
    ASSERT_TRUE(is_local_url(one.text)) << one.text;
    auto url = parse_local_url(one.text);
    ASSERT_TRUE(url.has_value()) << one.text;
    EXPECT_EQ(url->service(), one.service);
    EXPECT_EQ(url->target, one.target);
  }
  for (std::string_view bad : {"app://", "link:///x", "app://a b", "link://t#f", "app://a/\x7f"})
    EXPECT_FALSE(parse_local_url(bad).has_value()) << bad;
  EXPECT_FALSE(is_local_url("http://app://x"));
  EXPECT_FALSE(is_local_url("app:/x"));
}

TEST(LocalNames, SayWhatThereIs) {
  LocalNames names{.apps = {"one", "two"}};
  auto said = [&](std::string_view text) { return names.complaint(*parse_local_url(text)).value_or(""); };
  EXPECT_EQ(said("app://two/x"), "");
  EXPECT_EQ(said("app://three"), "there is no app \"three\" that answers requests (there are: one, two)");
  EXPECT_EQ(said("link://t"), "there is no link in this process: name its file in link.configPath");
  names.targets.emplace();
  EXPECT_EQ(said("link://t"), "there is no target \"t\" (there are: none)");
  names.targets = {{"t"}};
  EXPECT_EQ(said("link://t/x"), "");
  names = {.all_known = false};
  EXPECT_EQ(said("link://t/x"), "");
}

}  // namespace
}  // namespace fiso::net

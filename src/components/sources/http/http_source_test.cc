#include "components/sources/http/http_source.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"

namespace fiso::sources {
namespace {

using testing::run_task;

// Answers every delivery with the same outcome, or drops it.
class FixedIntake final : public core::Intake {
 public:
  Task<> take(core::Delivery delivery) override {
    seen = std::move(delivery.event);
    if (drops) {
      core::Delivery dropped = std::move(delivery);
      co_return;
    }
    delivery.answer(outcome);
    co_return;
  }
  Result<> outcome;
  bool drops = false;
  core::Event seen;
};

class HttpSourceTest : public ::testing::Test {
 protected:
  net::HttpResponse call(net::HttpRequest request, core::StatusMode mode = core::StatusMode::kCompatible) {
    net::RouteTable routes;
    HttpSource source(config_, mode, routes);
    source.start(intake_);
    EXPECT_EQ(routes.find(config_.listen_addr, config_.path), &source);
    return run_task(shards_[0], [&] { return source.call(request); });
  }
  static net::HttpRequest post(std::string body) {
    return {.method = "POST", .target = "/", .headers = {}, .body = std::move(body)};
  }

  async::ShardSet shards_{1};
  HttpSource::Config config_{.listen_addr = ":8081", .path = "/", .forward_headers = {}, .tls = {}};
  FixedIntake intake_;
};

TEST_F(HttpSourceTest, DeliveredIsAnEmpty200) {
  net::HttpResponse response = call(post("{}"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(intake_.seen.payload.view(), "{}");
  EXPECT_EQ(intake_.seen.topic, "http");
}

TEST_F(HttpSourceTest, AnyOtherMethodIs405) {
  for (std::string method : {"GET", "HEAD", "PUT", "post"}) {
    net::HttpResponse response = call({.method = method, .target = "/", .headers = {}, .body = {}});
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.body, "method not allowed\n");
  }
}

TEST_F(HttpSourceTest, EveryFailureIs500InCompatibleMode) {
  for (ErrorCode code :
       {ErrorCode::kInvalidInput, ErrorCode::kRejected, ErrorCode::kUnavailable, ErrorCode::kTimeout, ErrorCode::kGuestTrap,
        ErrorCode::kGuestExit, ErrorCode::kGuestLimit, ErrorCode::kInternal, ErrorCode::kNotFound}) {
    intake_.outcome = Error(code, "CODE: text").with_context("http://secret/");
    net::HttpResponse response = call(post("{}"));
    EXPECT_EQ(response.status, 500) << to_string(code);
    EXPECT_EQ(response.body, "CODE: text\n");
    EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_FALSE(response.headers.contains("Retry-After"));
  }
}

TEST_F(HttpSourceTest, PreciseModeSaysWhoseFaultItWas) {
  for (auto [code, status] :
       {std::pair(ErrorCode::kInvalidInput, 400), std::pair(ErrorCode::kRejected, 502), std::pair(ErrorCode::kUnavailable, 502),
        std::pair(ErrorCode::kTimeout, 504), std::pair(ErrorCode::kGuestTrap, 502)}) {
    intake_.outcome = Error(code, "x");
    EXPECT_EQ(call(post("{}"), core::StatusMode::kPrecise).status, status) << to_string(code);
  }
}

TEST_F(HttpSourceTest, OverloadAndStoppingAre503WithRetryAfterInBothModes) {
  for (core::StatusMode mode : {core::StatusMode::kCompatible, core::StatusMode::kPrecise}) {
    for (ErrorCode code : {ErrorCode::kOverloaded, ErrorCode::kCancelled}) {
      intake_.outcome = Error(code, "busy");
      net::HttpResponse response = call(post("{}"), mode);
      EXPECT_EQ(response.status, 503);
      EXPECT_EQ(response.headers.find("Retry-After"), "1");
    }
  }
}

TEST_F(HttpSourceTest, ADroppedEventIsNotDelivered) {
  intake_.drops = true;
  EXPECT_EQ(call(post("{}")).status, 503);
}

TEST_F(HttpSourceTest, HeadersThatAreForwardedByNameReachTheSink) {
  config_.forward_headers = {"X-Tenant", "X-Missing"};
  net::HttpRequest request = post("{}");
  request.headers.add("x-tenant", "t-1");
  request.headers.add("x-tenant", "t-2");
  request.headers.add("authorization", "secret");
  call(std::move(request));
  ASSERT_EQ(intake_.seen.sink_headers.size(), 1u);
  EXPECT_EQ(intake_.seen.sink_headers.find("X-Tenant"), "t-1");
  EXPECT_EQ(intake_.seen.headers.find("Authorization"), "secret");
}

TEST_F(HttpSourceTest, AHeaderThatConnectionNamesIsNotForwarded) {
  config_.forward_headers = {"X-Hop", "X-Tenant", "Authorization"};
  net::HttpRequest request = post("{}");
  for (auto [name, value] : {std::pair{"X-Hop", "h"}, {"X-Tenant", "t"}, {"Authorization", "a"}, {"Connection", "close"}})
    request.headers.add(name, value);
  request.headers.add("connection", "keep-alive, x-hop, authorization");
  call(std::move(request));
  EXPECT_FALSE(intake_.seen.sink_headers.contains("X-Hop"));
  EXPECT_EQ(intake_.seen.sink_headers.find("X-Tenant"), "t");
  EXPECT_EQ(intake_.seen.sink_headers.find("Authorization"), "a");
}

// What sources in the same configuration say about each other, each on a line of its own.
std::string conflicts(const std::vector<std::string>& configs) {
  config::Errors errors;
  net::RouteTables tables(0);
  core::Resources resources;
  resources.add(tables);
  auto type = core::component_type<core::Source, HttpSource>();
  for (size_t i = 0; i < configs.size(); ++i) {
    auto document = config::Document::parse(configs[i], std::to_string(i), errors);
    auto draft = type.parse(document->root(), "source.config", errors);
    EXPECT_TRUE(draft.check) << errors.render();
    if (draft.check) draft.check(resources, errors);
  }
  return errors.render();
}

TEST(HttpSourceCheck, WhatTwoFlowsClaimIsNamedAtItsKey) {
  EXPECT_EQ(conflicts({"{listenAddr: ':1', path: /a}", "{listenAddr: ':1', path: /b}", "{listenAddr: ':2', path: /a}"}), "");
  EXPECT_EQ(conflicts({"{listenAddr: ':1', path: /a}", "{listenAddr: ':1', path: /a}"}),
            "1:1:26: source.config.path: http source: pre-register: path \"/a\" already registered on :1\n");
  EXPECT_EQ(conflicts({"{listenAddr: ':1'}", "{listenAddr: ':1'}"}),
            "1:1:1: source.config.path: http source: pre-register: path \"/\" already registered on :1\n");
  EXPECT_EQ(
      conflicts({"{listenAddr: ':1'}", "{listenAddr: '0.0.0.0:1'}"}),
      "1:1:14: source.config.listenAddr: http source: 0.0.0.0:1 takes the port of :1: write the same address in both flows\n");
}

TEST(HttpSourceConfig, APathThatNoRequestHasIsRefused) {
  auto complaints = [](const std::string& path) {
    config::Errors errors;
    HttpSource::Config config;
    auto document = config::Document::parse("{listenAddr: ':1', path: \"" + path + "\"}", "x", errors);
    HttpSource::spec().parse(document->root(), "", config, errors);
    return errors.render();
  };
  for (std::string good : {"/", "/a/b", "/a%20b", "/a;b=1,c", "/~x/"}) EXPECT_EQ(complaints(good), "") << good;
  for (std::string bad : {"a", "/a?b", "/a#b", "/a b", "/{id}", "/caf\xc3\xa9", "/a\\nb", "/a\\x7f"})
    EXPECT_NE(complaints(bad).find("x:1:26: path: "), std::string::npos) << bad << complaints(bad);
}

TEST(HttpSourceCheck, TlsIsAgreedOnAndItsFilesAreRead) {
  std::string said =
      conflicts({"{listenAddr: ':1', path: /a}", "{listenAddr: ':1', path: /b, tls: {certFile: /no/c, keyFile: /no/k}}"});
  EXPECT_NE(said.find("1:1:35: source.config.tls: /no/c: No such file or directory: "), std::string::npos) << said;
  EXPECT_NE(said.find("1:1:35: source.config.tls: http source: flows that share :1 must agree on tls"), std::string::npos)
      << said;
}

TEST(HttpSourceConfigTest, EveryHeaderThatIsNeverForwardedIsToldAtItsPlace) {
  config::Errors errors;
  HttpSource::Config config;
  auto document = config::Document::parse("{listenAddr: ':1', forwardHeaders: [Host, X-A, 'a b']}", "x", errors);
  HttpSource::spec().parse(document->root(), "", config, errors);
  EXPECT_EQ(errors.render(),
            "x:1:37: forwardHeaders[0]: \"Host\" belongs to one hop or to Fiso and is never forwarded\n"
            "x:1:48: forwardHeaders[2]: \"a b\" is not a header name\n");
}

}  // namespace
}  // namespace fiso::sources

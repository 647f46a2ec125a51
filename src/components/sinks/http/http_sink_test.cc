#include "components/sinks/http/http_sink.h"

#include <gtest/gtest.h>

#include "async/signal.h"
#include "base/testing/manual_clock.h"
#include "core/testing/sink_contract.h"
#include "net/http_server.h"
#include "net/local_services.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::testing {
namespace {

using sinks::HttpSink;
using std::chrono::hours;
using std::chrono::seconds;

// A prepared HTTP sink whose other side is scripted.
class HttpBench final : public SinkBench {
 public:
  HttpBench() : upstream_([this](ScriptedUpstream::Conversation& conversation) { converse(conversation); }) {
    resources_.add(shards_);
    resources_.add(blocking_);
  }

  async::ShardSet& shards() override { return shards_; }
  bool become(Mood mood) override { return mood_ = mood, true; }
  std::unique_ptr<core::Sink> make_sink(async::Shard& shard) override {
    HttpSink::Config config;
    config.url = "http://127.0.0.1:" + std::to_string(upstream_.port()) + "/canary-path?q=1";
    config.headers.emplace("X-Key", Secret("canary-key"));
    config.timeout = mood_ == Mood::kHangs ? std::chrono::milliseconds(100) : std::chrono::milliseconds(20'000);
    core::BuildContext context{"flow", {}, metrics_, resources_};
    plan_ = HttpSink::prepare(config, context).value();
    return plan_->make(shard);
  }
  std::vector<std::string> taken() override {
    return requests_.with([](auto& requests) {
      std::vector<std::string> bodies;
      for (const std::string& request : requests) bodies.push_back(request.substr(request.find("\r\n\r\n") + 4));
      return bodies;
    });
  }
  std::vector<std::string> canaries() override {
    return {"canary-path", "canary-key", "127.0.0.1", std::to_string(upstream_.port())};
  }
  std::vector<std::string> requests() {
    return requests_.with([](auto& requests) { return requests; });
  }

 private:
  void converse(ScriptedUpstream::Conversation& conversation) {
    for (std::string request; !(request = conversation.read_request()).empty();) {
      requests_.with([&](auto& requests) { requests.push_back(request); });
      if (mood_ == Mood::kHangs) return conversation.wait_for_close();
      conversation.send(response_text(mood_ == Mood::kTakes ? 200 : mood_ == Mood::kRefuses ? 400 : 503, "canary-path"));
    }
  }

  async::ShardSet shards_{1};
  async::BlockingPool blocking_{1, 16};
  core::Resources resources_;
  observe::Metrics metrics_;
  Guarded<std::vector<std::string>> requests_;
  std::atomic<Mood> mood_{Mood::kTakes};
  ScriptedUpstream upstream_;
  std::shared_ptr<const core::Plan<core::Sink>> plan_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Http, SinkContract, HttpBench);

// The same by the name of an app, with a service of the process on the other side.
class LocalBench final : public SinkBench, private net::HttpService {
 public:
  LocalBench() {
    shards_.run_on(0, [&](async::Shard& shard) { go_ = std::make_unique<async::Signal>(shard.executor()); });
    EXPECT_TRUE(server_.bind().has_value());
    server_.start();
    services_.lead("app://canary-name", server_);
    resources_.add(shards_);
    resources_.add(blocking_);
    resources_.add(services_);
  }
  ~LocalBench() override {
    shards_.run_on(0, [&](async::Shard&) { go_->set(); });
    server_.stop();
    shards_.run_on(0, [&](async::Shard&) { go_.reset(); });
  }

  async::ShardSet& shards() override { return shards_; }
  bool become(Mood mood) override { return mood_ = mood, true; }
  std::unique_ptr<core::Sink> make_sink(async::Shard& shard) override {
    HttpSink::Config config;
    config.url = "app://canary-name/canary-path?q=1";
    config.timeout = mood_ == Mood::kHangs ? std::chrono::milliseconds(100) : std::chrono::milliseconds(20'000);
    core::BuildContext context{"flow", {}, metrics_, resources_};
    plan_ = HttpSink::prepare(config, context).value();
    return plan_->make(shard);
  }
  std::vector<std::string> taken() override {
    return bodies_.with([](auto& bodies) { return bodies; });
  }
  std::vector<std::string> canaries() override { return {"canary-name", "canary-path"}; }

 private:
  Task<net::HttpResponse> call(net::HttpRequest& request) override {
    EXPECT_EQ(request.target, "/canary-path?q=1");
    bodies_.with([&](auto& bodies) { bodies.push_back(request.body); });
    if (mood_ == Mood::kHangs) co_await go_->wait();
    co_return net::text_response(mood_ == Mood::kTakes ? 200 : mood_ == Mood::kRefuses ? 400 : 503, "canary-path");
  }

  async::ShardSet shards_{1};
  async::BlockingPool blocking_{1, 16};
  net::LocalServices services_{shards_};
  net::HttpServer server_{shards_, {.address = "127.0.0.1:0"}, [this](async::Shard&) -> net::HttpService& { return *this; }};
  core::Resources resources_;
  observe::Metrics metrics_;
  Guarded<std::vector<std::string>> bodies_;
  std::atomic<Mood> mood_{Mood::kTakes};
  std::unique_ptr<async::Signal> go_;
  std::shared_ptr<const core::Plan<core::Sink>> plan_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Local, SinkContract, LocalBench);

Result<> judge(int status, const std::string& retry_after = "", WallTime now = {}) {
  net::ClientResponse answer;
  answer.status = status;
  if (!retry_after.empty()) answer.headers.add("Retry-After", retry_after);
  return sinks::judge_answer(answer, now);
}

TEST(JudgeAnswerTest, TwoHundredsAreTaken) {
  for (int status : {200, 201, 202, 204, 299}) EXPECT_TRUE(judge(status).has_value()) << status;
}

TEST(JudgeAnswerTest, FourHundredsAreFinalBut429) {
  for (int status : {400, 401, 404, 408, 409, 422, 499}) {
    EXPECT_EQ(judge(status).error().code(), ErrorCode::kRejected) << status;
    EXPECT_EQ(judge(status).error().message(), "http status " + std::to_string(status));
  }
  EXPECT_EQ(judge(429).error().code(), ErrorCode::kUnavailable);
}

TEST(JudgeAnswerTest, EverythingElseMayBeTriedAgain) {
  for (int status : {301, 302, 304, 307, 500, 502, 503, 504, 599, 600, 999})
    EXPECT_EQ(judge(status).error().code(), ErrorCode::kUnavailable) << status;
}

TEST(JudgeAnswerTest, RetryAfterIsPassedOn) {
  WallTime now{seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT
  for (int status : {429, 503}) {
    EXPECT_EQ(judge(status, "7").error().retry_after(), seconds(7));
    EXPECT_EQ(judge(status, "Sun, 06 Nov 1994 08:49:47 GMT", now).error().retry_after(), seconds(10));
    EXPECT_EQ(judge(status).error().retry_after(), seconds(0));
  }
}

class HttpSinkTest : public ::testing::Test {
 protected:
  ~HttpSinkTest() override {
    bench_.shards().run_on(0, [&](async::Shard&) { sink_.reset(); });
  }
  std::string deliver(const OwnedOutbound& event) {
    bench_.shards().run_on(0, [&](async::Shard& shard) { sink_ = bench_.make_sink(shard); });
    EXPECT_TRUE(run_task(bench_.shards()[0], [&] { return sink_->deliver(event.get()); }).has_value());
    return bench_.requests().at(0);
  }
  HttpBench bench_;
  std::unique_ptr<core::Sink> sink_;
};

TEST_F(HttpSinkTest, SendsACloudEventWithItsHeaders) {
  core::Event event = make_event("{}");
  event.correlation_id = "c-9";
  event.sink_headers.add("X-Tenant", "t");
  std::string request = deliver(OwnedOutbound(std::move(event)));
  EXPECT_TRUE(request.starts_with("POST /canary-path?q=1 HTTP/1.1\r\n")) << request;
  for (std::string_view line : {"\r\nContent-Type: application/cloudevents+json\r\n", "\r\nfiso-correlation-id: c-9\r\n",
                                "\r\nX-Key: canary-key\r\n", "\r\nX-Tenant: t\r\n"})
    EXPECT_NE(request.find(line), std::string::npos) << line << " in " << request;
}

TEST_F(HttpSinkTest, WhatIsConfiguredStandsAgainstTheEvent) {
  core::Event event = make_event("{}");
  event.sink_headers.add("x-key", "forged");
  event.sink_headers.add("fiso-correlation-id", "forged");
  std::string request = deliver(OwnedOutbound(std::move(event)));
  EXPECT_EQ(request.find("forged"), std::string::npos) << request;
}

// One delivery whose answer is `bytes`, then the connection's end.
Result<> answered_with(std::string bytes) {
  async::ShardSet shards(1);
  async::BlockingPool blocking(1, 16);
  ScriptedUpstream upstream([&](ScriptedUpstream::Conversation& conversation) {
    conversation.read_request();
    conversation.send(bytes);
  });
  HttpSink::Config config;
  net::ClientOptions options;
  options.origin = net::parse_uri("http://127.0.0.1:" + std::to_string(upstream.port()) + "/").value();
  std::unique_ptr<HttpSink> sink;
  shards.run_on(
      0, [&](async::Shard& shard) { sink = std::make_unique<HttpSink>(shard, blocking, config, options, observe::Log()); });
  OwnedOutbound event("{}");
  auto delivered = run_task(shards[0], [&] { return sink->deliver(event.get()); });
  shards.run_on(0, [&](async::Shard&) { sink.reset(); });
  return delivered;
}

TEST(HttpSinkAnswerTest, TheStatusDecidesWhateverTheBodyIsLike) {
  for (const std::string& body :
       {std::string("Content-Length: 3145728\r\n\r\n") + std::string(3 << 20, 'x'),
        std::string("Content-Length: 10\r\n\r\nshort"), std::string("Content-Length: 99999999999\r\n\r\n"),
        std::string("Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")}) {
    EXPECT_TRUE(answered_with("HTTP/1.1 200 OK\r\n" + body).has_value()) << body.substr(0, 50);
    EXPECT_EQ(answered_with("HTTP/1.1 400 Bad Request\r\n" + body).error().code(), ErrorCode::kRejected) << body.substr(0, 50);
    auto later = answered_with("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n" + body);
    EXPECT_EQ(later.error().retry_after(), seconds(7)) << body.substr(0, 50);
  }
}

// What is wrong with a configuration, its check included.
std::string complaints(const std::string& yaml) {
  config::Errors errors;
  auto document = config::Document::parse(yaml, "x", errors);
  auto draft = core::component_type<core::Sink, HttpSink>().parse(document->root(), "sink.config", errors);
  if (draft.check) draft.check(core::Resources(), errors);
  return errors.render();
}

TEST(HttpSinkConfigTest, MethodsThatCarryAnEventAreKnown) {
  for (std::string good : {"POST", "PUT", "PATCH", "DELETE"})
    EXPECT_EQ(complaints("{url: 'http://a', method: " + good + "}"), "");
  for (std::string bad : {"GET", "HEAD", "CONNECT", "FOO", "TRACE"})
    EXPECT_EQ(complaints("{url: 'http://a', method: " + bad + "}"),
              "x:1:27: sink.config.method: sink.config.method \"" + bad +
                  "\" is not a method that carries an event (use POST, PUT, PATCH or DELETE)\n");
}

TEST(HttpSinkConfigTest, AUrlIsStatic) {
  for (std::string bad : {"http://x/{{.a}}", "http://{host}/", "http://x/}"})
    EXPECT_EQ(
        complaints("{url: '" + bad + "'}"),
        "x:1:7: sink.config.url: sink.config.url has { or } in it: a URL is static, there are no placeholders (a brace that "
        "is meant is %7B or %7D)\n");
}

TEST(HttpSinkConfigTest, AHeaderIsThereOnceInWhateverCase) {
  EXPECT_EQ(complaints("{url: 'http://a', headers: {X-A: canary, X-B: canary}}"), "");
  EXPECT_EQ(complaints("{url: 'http://a', headers: {x-a: canary, X-A: canary}}"),
            "x:1:29: sink.config.headers.x-a: the header is there already, as X-A\n");
  EXPECT_EQ(complaints("{url: 'http://a', headers: {Bad Name: x, X-A: 1, Host: h, X-B: \"canary\\n\"}}"),
            "x:1:29: sink.config.headers[\"Bad Name\"]: this is not a header name\n"
            "x:1:50: sink.config.headers.Host: Fiso itself sets this header\n"
            "x:1:59: sink.config.headers.X-B: the value holds characters that a header cannot\n");
}

TEST(HttpSinkConfigTest, TlsIsForHttps) {
  EXPECT_EQ(complaints("{url: 'https://a', tls: {}}"), "");
  EXPECT_EQ(complaints("{url: 'http://a', tls: {}}"),
            "x:1:24: sink.config.tls: sink.config.tls has an effect with an https url only\n");
}

TEST(HttpSinkConfigTest, AnAuthorityThatCannotBeUsedIsFoundBeforeTheBuild) {
  auto with = [](const std::string& file) { return complaints("{url: 'https://a', tls: {caFile: '" + file + "'}}"); };
  EXPECT_EQ(
      with("/no/ca.pem"),
      "x:1:34: sink.config.tls.caFile: /no/ca.pem: No such file or directory: tls: cannot use the certificate authorities\n");
  std::string no_pem = with("/proc/self/status");
  EXPECT_NE(no_pem.find("x:1:34: sink.config.tls.caFile: /proc/self/status: "), std::string::npos) << no_pem;
  EXPECT_EQ(no_pem.find("no reason"), std::string::npos) << no_pem;
}

// A first delivery whose connection is kept, and a second one under which it closes without a word.
class ClosedUnderWay : public ::testing::Test {
 protected:
  ~ClosedUnderWay() override {
    shards_.run_on(0, [&](async::Shard&) { sink_.reset(); });
  }
  Result<> second_delivery(const std::string& method, core::Event event) {
    config_.method = method;
    net::ClientOptions options;
    options.origin = net::parse_uri("http://127.0.0.1:" + std::to_string(upstream_.port()) + "/").value();
    shards_.run_on(
        0, [&](async::Shard& shard) { sink_ = std::make_unique<HttpSink>(shard, blocking_, config_, options, observe::Log()); });
    OwnedOutbound first("{}"), second(std::move(event));
    EXPECT_TRUE(run_task(shards_[0], [&] { return sink_->deliver(first.get()); }).has_value());
    return run_task(shards_[0], [&] { return sink_->deliver(second.get()); });
  }

  async::ShardSet shards_{1};
  async::BlockingPool blocking_{1, 16};
  std::atomic<int> requests_ = 0;
  ScriptedUpstream upstream_{[this](ScriptedUpstream::Conversation& conversation) {
    if (!conversation.read_request().empty()) ++requests_;
    conversation.send(response_text(200, ""));
    if (!conversation.read_request().empty()) ++requests_;
  }};
  HttpSink::Config config_;
  std::unique_ptr<HttpSink> sink_;
};

TEST_F(ClosedUnderWay, APostIsSentOnceAndMayBeTriedAgainByTheFlow) {
  auto delivered = second_delivery("POST", make_event("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_TRUE(retryable(delivered.error().code()));
  EXPECT_EQ(requests_, 2);
  EXPECT_EQ(upstream_.connections(), 1);
}

TEST_F(ClosedUnderWay, APutIsSentAgainAtOnce) {
  EXPECT_TRUE(second_delivery("PUT", make_event("{}")).has_value());
  EXPECT_EQ(requests_, 3);
}

TEST_F(ClosedUnderWay, APostWithAnIdempotencyKeyIsSentAgainAtOnce) {
  core::Event event = make_event("{}");
  event.sink_headers.add("Idempotency-Key", "k");
  EXPECT_TRUE(second_delivery("POST", std::move(event)).has_value());
  EXPECT_EQ(requests_, 3);
}

}  // namespace
}  // namespace fiso::testing

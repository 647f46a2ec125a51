#include "flow/pipeline.h"

#include <gtest/gtest.h>

#include <random>

#include "async/testing/run_task.h"
#include "core/testing/fakes.h"
#include "observe/testing/captured_log.h"

namespace fiso::flow {
namespace {

using testing::FakeInterceptor;
using testing::FakeSink;
using testing::FakeSource;
using testing::make_event;
using testing::run_task;

// A pipeline between a fake source and a fake sink, with one interceptor that does what `change` says.
class PipelineTest : public ::testing::Test {
 protected:
  ~PipelineTest() override {
    shards_.run_on(0, [&](async::Shard&) { pipeline_.reset(); });
  }

  void make(int64_t attempts = 1, bool with_interceptor = true) {
    options_.flow = "orders";
    options_.cloud_events.source = "fiso-flow/orders";
    options_.retry = {.attempts = attempts, .backoff = Backoff::kConstant};
    auto sink = std::make_unique<FakeSink>();
    sink_ = sink.get();
    std::vector<std::unique_ptr<core::Interceptor>> chain;
    if (with_interceptor)
      chain.push_back(
          std::make_unique<FakeInterceptor>([this](core::Event& event) { return change_ ? change_(event) : Result<>(); }));
    pipeline_ = std::make_unique<Pipeline>(shards_[0], options_, core::Chain(std::move(chain)), std::move(sink), stats_,
                                           in_flight_, log_.log());
    source_.start(*pipeline_);
  }

  std::vector<Result<>> push_for_all(core::Event event) {
    return run_task(shards_[0], [&] { return source_.push_for_all(std::move(event)); });
  }
  Result<> push(core::Event event) {
    return run_task(shards_[0], [&] { return source_.push(std::move(event)); });
  }

  void expect_books(uint64_t received, uint64_t delivered, uint64_t rejected) {
    EXPECT_EQ(stats_.received.value(), received);
    EXPECT_EQ(stats_.delivered.value(), delivered);
    EXPECT_EQ(stats_.rejected.value(), rejected);
    EXPECT_EQ(stats_.in_flight.value(), static_cast<double>(received - delivered - rejected));
  }

  async::ShardSet shards_{1};
  observe::Metrics metrics_;
  testing::CapturedLog log_;
  FlowStats stats_{metrics_, "orders"};
  async::Limiter in_flight_{shards_, 1, 0};
  PipelineOptions options_;
  std::function<Result<>(core::Event&)> change_;
  FakeSource source_;
  FakeSink* sink_ = nullptr;
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, AnEventGoesToTheSinkAndIsAnsweredOk) {
  make();
  auto answers = push_for_all(make_event(R"({"a":1})", {{"X-Correlation-Id", "c-1"}, {"Idempotency-Key", "i-1"}}));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_TRUE(answers[0].has_value());
  ASSERT_EQ(sink_->taken.size(), 1u);
  EXPECT_EQ(sink_->taken[0].correlation_id, "c-1");
  EXPECT_NE(sink_->taken[0].body.find(R"("data":{"a":1}})"), std::string::npos);
  expect_books(1, 1, 0);
  ASSERT_EQ(log_.count("\"msg\":\"event delivered\""), 1u);
  for (std::string_view field : {R"("flow":"orders")", R"("correlation_id":"c-1")", R"("correlation_source":"x-correlation-id")",
                                 R"("event_id":"i-1")", R"("latency_ms":)"})
    EXPECT_TRUE(log_.contains(field)) << field;
}

TEST_F(PipelineTest, WorksWithoutInterceptors) {
  make(1, false);
  EXPECT_TRUE(push(make_event("{}")).has_value());
  EXPECT_EQ(stats_.interceptors_seconds.count(), 0u);
  EXPECT_EQ(stats_.sink_seconds.count(), 1u);
  EXPECT_EQ(stats_.total_seconds.count(), 1u);
}

TEST_F(PipelineTest, EveryEventHasACorrelationIdAndAnId) {
  make();
  ASSERT_TRUE(push(make_event("{}")).has_value());
  EXPECT_EQ(sink_->taken[0].correlation_id.size(), 36u);
  EXPECT_TRUE(log_.contains(R"("correlation_source":"generated")"));
  EXPECT_EQ(sink_->taken[0].body.find(R"("id":"")"), std::string::npos);
}

TEST_F(PipelineTest, WhatAnInterceptorChangesGoesOn) {
  make();
  change_ = [](core::Event& event) {
    event.payload = core::Payload("[2]");
    event.sink_headers.set("X-Added", "yes");
    return Result<>();
  };
  ASSERT_TRUE(push(make_event("[1]")).has_value());
  EXPECT_NE(sink_->taken[0].body.find(R"("data":[2]})"), std::string::npos);
  EXPECT_EQ(sink_->taken[0].headers, (std::vector<std::pair<std::string, std::string>>{{"X-Added", "yes"}}));
}

TEST_F(PipelineTest, AFailingInterceptorRejectsTheEvent) {
  make();
  change_ = [](core::Event&) {
    return Result<>(Error(ErrorCode::kGuestExit, "module closed with exit_code(1)").with_context("wasm module /secret/x.wasm"));
  };
  auto answer = push(make_event("{}", {{"x-request-id", "r-1"}}));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kGuestExit);
  EXPECT_EQ(answer.error().message(), "INTERCEPTOR_FAILED: module closed with exit_code(1)");
  EXPECT_EQ(sink_->attempts, 0);
  expect_books(1, 0, 1);
  EXPECT_EQ(stats_.interceptor_errors.value(), 1u);
  for (std::string_view field : {R"("msg":"event processing failed")", R"("flow":"orders")", R"("topic":"test")",
                                 R"("correlation_id":"r-1")", R"("code":"INTERCEPTOR_FAILED")",
                                 R"x("error":"interceptor 0: wasm module /secret/x.wasm: module closed with exit_code(1)")x"})
    EXPECT_TRUE(log_.contains(field)) << field;
}

TEST_F(PipelineTest, APayloadThatIsNotJsonFailsTheWrap) {
  make();
  for (std::string payload : {"", "not json", "{"}) {
    auto answer = push(make_event(payload));
    ASSERT_FALSE(answer.has_value());
    EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidInput);
    EXPECT_TRUE(answer.error().message().starts_with("CLOUDEVENT_WRAP_FAILED: ")) << answer.error().message();
  }
  EXPECT_EQ(sink_->attempts, 0);
  expect_books(3, 0, 3);
  EXPECT_EQ(stats_.wrap_errors.value(), 3u);
}

TEST_F(PipelineTest, ASinkThatRefusesRejectsTheEvent) {
  make(5);
  sink_->then(Error(ErrorCode::kRejected, "http status 404").with_context("sink http"));
  auto answer = push(make_event("{}"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kRejected);
  EXPECT_EQ(answer.error().message(), "SINK_DELIVERY_FAILED: http status 404");
  EXPECT_TRUE(log_.contains(R"("error":"sink http: http status 404")"));
  EXPECT_EQ(log_.count(R"("level":"ERROR","msg":"delivery failed")"), 1u);
  EXPECT_EQ(log_.count(R"("msg":"delivery failed after retries")"), 0u);
  expect_books(1, 0, 1);
  EXPECT_EQ(stats_.sink_errors.value(), 1u);
  EXPECT_EQ(stats_.retries.value(), 0u);
}

TEST_F(PipelineTest, ASinkThatKeepsFailingIsTriedAsOftenAsConfigured) {
  make(2);
  sink_->then_fail(ErrorCode::kUnavailable, "connection refused");
  sink_->then_fail(ErrorCode::kUnavailable, "connection refused");
  auto answer = push(make_event("{}"));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message(), "SINK_DELIVERY_FAILED: delivery failed after 2 attempts: connection refused");
  EXPECT_EQ(log_.count(R"("level":"ERROR","msg":"delivery failed after retries")"), 1u);
  EXPECT_TRUE(log_.contains(R"("attempts":2)"));
  EXPECT_EQ(log_.count(R"("msg":"delivery failed")"), 0u);
  EXPECT_EQ(stats_.retries.value(), 1u);
  expect_books(1, 0, 1);
}

TEST_F(PipelineTest, OneTooManyIsOverloadedAndTheOthersGoOn) {
  make();
  async::Signal go(shards_[0].executor());
  sink_->hold_at(&go);
  Result<> first, second;
  run_task(shards_[0], [&]() -> Task<> {
    async::Gate gate(shards_[0].executor());
    async::spawn(shards_[0], [](FakeSource& source, Result<>& answer, async::Gate::Pass) -> Task<> {
      answer = co_await source.push(make_event("{}"));
    }(source_, first, gate.enter()));
    while (sink_->attempts == 0) co_await asio::post(shards_[0].executor(), async::kTask);
    expect_books(1, 0, 0);
    second = co_await source_.push(make_event("{}"));
    go.set();
    co_await gate.wait_empty();
  });
  EXPECT_TRUE(first.has_value());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kOverloaded);
  EXPECT_EQ(second.error().message(), "too many events are in flight");
  EXPECT_EQ(log_.count(R"("level":"WARN","msg":"too many events are in flight")"), 1u);
  EXPECT_TRUE(log_.contains(R"("flow":"orders")"));
  expect_books(2, 1, 1);
  sink_->hold_at(nullptr);
  EXPECT_TRUE(push(make_event("{}")).has_value());
}

// The pause asked for is far longer than any test may take.
TEST_F(PipelineTest, WhatPausesIsAnsweredWhenRetriesEndAndEventsAreStillTaken) {
  make(5);
  sink_->then(Error(ErrorCode::kUnavailable, "down").with_retry_after(std::chrono::seconds(30)));
  Result<> during;
  run_task(shards_[0], [&]() -> Task<> {
    async::Gate gate(shards_[0].executor());
    async::spawn(shards_[0], [](FakeSource& source, Result<>& answer, async::Gate::Pass) -> Task<> {
      answer = co_await source.push(make_event("{}"));
    }(source_, during, gate.enter()));
    while (sink_->attempts == 0) co_await asio::post(shards_[0].executor(), async::kTask);
    pipeline_->end_retries();
    co_await gate.wait_empty();
  });
  ASSERT_FALSE(during.has_value());
  EXPECT_EQ(during.error().message(), "SINK_DELIVERY_FAILED: delivery failed after 1 attempt: down");
  EXPECT_TRUE(push(make_event("{}")).has_value());
  sink_->then_fail(ErrorCode::kUnavailable, "down again");
  EXPECT_EQ(push(make_event("{}")).error().message(), "SINK_DELIVERY_FAILED: delivery failed after 1 attempt: down again");
  EXPECT_EQ(stats_.retries.value(), 0u);
  expect_books(3, 1, 2);
}

// Each event fails at a random step, or nowhere.
TEST_F(PipelineTest, TheBooksBalanceWhereverEventsFail) {
  make();
  enum Step { kInterceptor, kWrap, kSink, kNowhere, kSteps };
  std::mt19937 random(7);  // NOLINT: the same each time
  std::vector<uint64_t> failed(kSteps);
  constexpr int kEvents = 400;
  for (int i = 0; i < kEvents; ++i) {
    Step step = static_cast<Step>(random() % kSteps);
    ++failed[step];
    change_ = [&](core::Event&) { return step == kInterceptor ? Result<>(Error(ErrorCode::kGuestTrap, "x")) : Result<>(); };
    if (step == kSink) sink_->then_fail(ErrorCode::kRejected, "x");
    auto answers = push_for_all(make_event(step == kWrap ? "{" : "{}"));
    ASSERT_EQ(answers.size(), 1u);
    ASSERT_EQ(answers[0].has_value(), step == kNowhere);
  }
  expect_books(kEvents, failed[kNowhere], kEvents - failed[kNowhere]);
  EXPECT_EQ(sink_->taken.size(), failed[kNowhere]);
  EXPECT_EQ(stats_.interceptor_errors.value(), failed[kInterceptor]);
  EXPECT_EQ(stats_.wrap_errors.value(), failed[kWrap]);
  EXPECT_EQ(stats_.sink_errors.value(), failed[kSink]);
  EXPECT_EQ(in_flight_.in_use(), 0u);
}

}  // namespace
}  // namespace fiso::flow

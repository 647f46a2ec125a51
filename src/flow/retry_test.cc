#include "flow/retry.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"
#include "core/testing/fakes.h"

namespace fiso::flow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeSink;
using testing::OwnedOutbound;
using testing::run_task;

class RetryTest : public ::testing::Test {
 protected:
  ~RetryTest() override {
    shards_.run_on(0, [&](async::Shard&) { stop_.reset(); });
  }
  Result<> deliver(int64_t attempts, Backoff backoff = Backoff::kConstant) {
    OwnedOutbound event("{}");
    return run_task(shards_[0], [&] {
      return deliver_with_retries(sink_, event.get(), {.attempts = attempts, .backoff = backoff}, *stop_, retries_);
    });
  }

  async::ShardSet shards_{1};
  std::unique_ptr<async::Gate> stop_ = std::make_unique<async::Gate>(shards_[0].executor());
  observe::Counter retries_;
  FakeSink sink_;
};

TEST_F(RetryTest, PausesGrowAsTheBackoffSays) {
  auto pauses = [](Backoff backoff) {
    std::vector<int64_t> ms;
    for (int64_t attempt = 1; attempt <= 4; ++attempt)
      ms.push_back(std::chrono::duration_cast<milliseconds>(backoff_pause(backoff, attempt)).count());
    return ms;
  };
  EXPECT_EQ(pauses(Backoff::kConstant), (std::vector<int64_t>{200, 200, 200, 200}));
  EXPECT_EQ(pauses(Backoff::kLinear), (std::vector<int64_t>{200, 400, 600, 800}));
  EXPECT_EQ(pauses(Backoff::kExponential), (std::vector<int64_t>{200, 400, 800, 1600}));
}

TEST_F(RetryTest, NoPauseIsLongerThanThirtySeconds) {
  for (int64_t attempt : {int64_t{9}, int64_t{64}, int64_t{1000}, INT64_MAX})
    EXPECT_EQ(backoff_pause(Backoff::kExponential, attempt), seconds(30));
  EXPECT_EQ(backoff_pause(Backoff::kLinear, 150), seconds(30));
  EXPECT_EQ(backoff_pause(Backoff::kLinear, INT64_MAX), seconds(30));
}

TEST_F(RetryTest, WhatIsTakenIsNotSentAgain) {
  EXPECT_TRUE(deliver(3).has_value());
  EXPECT_EQ(sink_.attempts, 1);
  EXPECT_EQ(retries_.value(), 0u);
}

TEST_F(RetryTest, OneAttemptIsOneAttemptAndKeepsTheError) {
  sink_.then_fail(ErrorCode::kUnavailable, "http status 503");
  auto delivered = deliver(1);
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().message(), "http status 503");
  EXPECT_EQ(sink_.attempts, 1);
}

TEST_F(RetryTest, APassingFailureIsTriedAgain) {
  sink_.then_fail(ErrorCode::kUnavailable, "http status 503");
  sink_.then_fail(ErrorCode::kTimeout, "timeout");
  EXPECT_TRUE(deliver(3).has_value());
  EXPECT_EQ(sink_.attempts, 3);
  EXPECT_EQ(retries_.value(), 2u);
}

TEST_F(RetryTest, ItSaysAfterHowManyAttemptsItGaveUp) {
  for (int i = 0; i < 3; ++i) sink_.then_fail(ErrorCode::kUnavailable, "http status 503");
  auto delivered = deliver(3);
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(delivered.error().message(), "delivery failed after 3 attempts: http status 503");
  EXPECT_EQ(sink_.attempts, 3);
}

TEST_F(RetryTest, AFinalFailureIsNotTriedAgain) {
  for (ErrorCode code : {ErrorCode::kRejected, ErrorCode::kInvalidInput, ErrorCode::kCancelled, ErrorCode::kInternal}) {
    sink_.attempts = 0;
    sink_.then_fail(code, "http status 404");
    auto delivered = deliver(5);
    ASSERT_FALSE(delivered.has_value());
    EXPECT_EQ(delivered.error().message(), "http status 404");
    EXPECT_EQ(sink_.attempts, 1);
  }
}

TEST_F(RetryTest, ALongerRetryAfterIsWaitedFor) {
  sink_.then(Error(ErrorCode::kUnavailable, "busy").with_retry_after(milliseconds(400)));
  MonotonicTime start = Clock::system().now();
  EXPECT_TRUE(deliver(2).has_value());
  EXPECT_GE(Clock::system().now() - start, milliseconds(400));
}

TEST_F(RetryTest, ARetryAfterBeyondTheCapEndsIt) {
  sink_.then(Error(ErrorCode::kUnavailable, "http status 503").with_retry_after(seconds(31)));
  auto delivered = deliver(5);
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().message(), "delivery failed after 1 attempt: http status 503");
  EXPECT_EQ(sink_.attempts, 1);
}

TEST_F(RetryTest, AStopStartsNoOtherAttempt) {
  shards_.run_on(0, [&](async::Shard&) { stop_->close(); });
  sink_.then_fail(ErrorCode::kUnavailable, "down");
  auto delivered = deliver(5);
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().message(), "delivery failed after 1 attempt: down");
}

// The pause asked for is far longer than any test may take.
TEST_F(RetryTest, AStopDuringAPauseEndsIt) {
  sink_.then(Error(ErrorCode::kUnavailable, "down").with_retry_after(seconds(30)));
  OwnedOutbound event("{}");
  auto delivered = run_task(shards_[0], [&]() -> Task<Result<>> {
    async::spawn(shards_[0], [](FakeSink& sink, async::Gate& stop) -> Task<> {
      while (sink.attempts == 0) co_await async::sleep_until(Clock::system().now() + milliseconds(1));
      stop.close();
    }(sink_, *stop_));
    co_return co_await deliver_with_retries(sink_, event.get(), {.attempts = 5, .backoff = Backoff::kConstant}, *stop_, retries_);
  });
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().message(), "delivery failed after 1 attempt: down");
  EXPECT_EQ(sink_.attempts, 1);
  EXPECT_EQ(retries_.value(), 0u);
}

}  // namespace
}  // namespace fiso::flow

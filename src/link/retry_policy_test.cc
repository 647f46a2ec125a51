#include "link/retry_policy.h"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"

namespace fiso::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RetryPolicy, OnlyWhatMayBeActedUponTwiceIsMadeAgain) {
  HeaderList none, key;
  key.add("idempotency-key", "k");
  EXPECT_TRUE(is_repeatable("GET", none));
  EXPECT_TRUE(is_repeatable("PUT", none));
  EXPECT_FALSE(is_repeatable("POST", none));
  EXPECT_FALSE(is_repeatable("PATCH", none));
  EXPECT_TRUE(is_repeatable("POST", key));
}

TEST(RetryPolicy, StatusesThatMayPassAreMadeAgain) {
  for (int status : {429, 502, 503, 504}) EXPECT_TRUE(is_retryable_status(status)) << status;
  for (int status : {200, 301, 400, 404, 408, 500, 501, 505}) EXPECT_FALSE(is_retryable_status(status)) << status;
}

TEST(RetryPolicy, PausesGrowAsTheBackoffSaysUpToTheLongest) {
  RetryOptions options{
      .backoff = Backoff::kConstant, .initial_interval = milliseconds(100), .max_interval = seconds(1), .jitter = 0};
  EXPECT_EQ(pause_after(options, 3, 0.9), milliseconds(100));
  options.backoff = Backoff::kLinear;
  EXPECT_EQ(pause_after(options, 3, 0.9), milliseconds(300));
  EXPECT_EQ(pause_after(options, 30, 0.9), seconds(1));
  options.backoff = Backoff::kExponential;
  EXPECT_EQ(pause_after(options, 1, 0.9), milliseconds(100));
  EXPECT_EQ(pause_after(options, 3, 0.9), milliseconds(400));
  EXPECT_EQ(pause_after(options, 1000, 0.9), seconds(1));
}

TEST(RetryPolicy, JitterSpreadsThemBothWays) {
  RetryOptions options{.backoff = Backoff::kConstant, .initial_interval = milliseconds(100), .jitter = 0.5};
  EXPECT_EQ(pause_after(options, 1, 0), milliseconds(50));
  EXPECT_EQ(pause_after(options, 1, 0.5), milliseconds(100));
  EXPECT_EQ(pause_after(options, 1, 1), milliseconds(150));
}

int taken(RetryBudget& budget, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += budget.try_take() ? 1 : 0;
  return count;
}

TEST(RetryBudget, GrantsTenASecondAndAFifthOfTheRequests) {
  testing::ManualClock clock;
  RetryBudget budget(clock);
  EXPECT_EQ(taken(budget, 1000), 10);
  clock.advance(seconds(1));
  EXPECT_EQ(taken(budget, 1000), 10);
  for (int i = 0; i < 100; ++i) budget.note_request();
  EXPECT_EQ(taken(budget, 1000), 20);
}

TEST(RetryBudget, SavesUpNoMoreThanTenSecondsOfIt) {
  testing::ManualClock clock;
  RetryBudget budget(clock);
  clock.advance(seconds(3600));
  for (int i = 0; i < 10'000; ++i) budget.note_request();
  EXPECT_EQ(taken(budget, 1000), 100);
}

}  // namespace
}  // namespace fiso::link

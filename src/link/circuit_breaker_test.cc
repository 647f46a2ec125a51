#include "link/circuit_breaker.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/testing/manual_clock.h"

namespace fiso::link {
namespace {

using State = CircuitBreaker::State;
using std::chrono::seconds;

class BreakerTest : public ::testing::Test {
 protected:
  void fail(int times = 1) {
    for (int i = 0; i < times; ++i) breaker_.admit().failed();
  }
  testing::ManualClock clock_;
  CircuitBreaker breaker_{{.failure_threshold = 3, .success_threshold = 2, .reset_timeout = seconds(30)}, clock_};
};

TEST_F(BreakerTest, OpensAfterSoManyFailuresInARow) {
  fail(2);
  breaker_.admit().succeeded();
  fail(2);
  EXPECT_EQ(breaker_.state(), State::kClosed);
  fail();
  EXPECT_EQ(breaker_.state(), State::kOpen);
  EXPECT_FALSE(breaker_.admit());
}

TEST_F(BreakerTest, ACallThatIsDroppedSaysNothing) {
  fail(2);
  (void)breaker_.admit();
  EXPECT_EQ(breaker_.state(), State::kClosed);
  fail();
  EXPECT_EQ(breaker_.state(), State::kOpen);
}

TEST_F(BreakerTest, TellsHowLongItStaysOpen) {
  EXPECT_EQ(breaker_.wait_time(), Duration(0));
  fail(3);
  clock_.advance(seconds(12));
  EXPECT_EQ(breaker_.wait_time(), seconds(18));
  clock_.advance(seconds(18));
  EXPECT_EQ(breaker_.wait_time(), Duration(0));
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
}

TEST_F(BreakerTest, LetsOneProbeThroughAtATimeAndClosesAfterEnoughGoodOnes) {
  fail(3);
  clock_.advance(seconds(30));
  auto probe = breaker_.admit();
  EXPECT_TRUE(probe);
  EXPECT_FALSE(breaker_.admit());
  probe.succeeded();
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  breaker_.admit().succeeded();
  EXPECT_EQ(breaker_.state(), State::kClosed);
}

TEST_F(BreakerTest, OneBadProbeOpensItAgainForTheWholeTime) {
  fail(3);
  clock_.advance(seconds(30));
  breaker_.admit().succeeded();
  breaker_.admit().failed();
  EXPECT_EQ(breaker_.wait_time(), seconds(30));
  clock_.advance(seconds(30));
  breaker_.admit().succeeded();
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);  // the good one before does not count any more
}

TEST_F(BreakerTest, AProbeThatIsDroppedMakesRoomForTheNext) {
  fail(3);
  clock_.advance(seconds(30));
  (void)breaker_.admit();
  EXPECT_TRUE(breaker_.admit());
}

TEST_F(BreakerTest, AProbeWhoseAnswerHasBegunIsAGoodOneAndMakesRoomForTheNext) {
  fail(3);
  clock_.advance(seconds(30));
  auto endless = breaker_.admit(), refused = breaker_.admit();
  EXPECT_FALSE(refused);
  endless.begun();
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  auto other = breaker_.admit();
  EXPECT_TRUE(other);
  other.begun();
  EXPECT_EQ(breaker_.state(), State::kClosed);
  endless.failed();  // counts as any other now
  EXPECT_EQ(breaker_.state(), State::kClosed);
  fail(2);
  EXPECT_EQ(breaker_.state(), State::kOpen);
}

TEST_F(BreakerTest, CallsFromBeforeItOpenedDoNotProlongIt) {
  auto slow = breaker_.admit(), good = breaker_.admit();
  fail(3);
  clock_.advance(seconds(20));
  slow.failed();
  EXPECT_EQ(breaker_.wait_time(), seconds(10));
  good.succeeded();
  EXPECT_EQ(breaker_.state(), State::kOpen);
}

TEST_F(BreakerTest, ThreadsThatFailAtOnceOpenItOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] {
      for (int j = 0; j < 1000; ++j) breaker_.admit().failed();
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(breaker_.wait_time(), seconds(30));
}

}  // namespace
}  // namespace fiso::link

#include "link/refresh_schedule.h"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"

namespace fiso::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RefreshScheduleTest : public ::testing::Test {
 protected:
  testing::ManualClock clock_;
  RefreshSchedule schedule_{clock_};

  // How long until it is due, in a test where that is the next thing to happen.
  Duration wait() const { return schedule_.next() - clock_.now(); }
  void get(Duration refresh_after, Duration usable_for) {
    schedule_.succeeded({.value = Secret("x"), .refresh_after = refresh_after, .usable_for = usable_for});
  }
};

TEST_F(RefreshScheduleTest, IsDueFromTheStartWithNothingToUse) {
  EXPECT_TRUE(schedule_.is_due());
  EXPECT_FALSE(schedule_.is_usable());
}

TEST_F(RefreshScheduleTest, ALeaseSaysWhenToAskAgainAndForHowLongItLasts) {
  get(seconds(80), seconds(100));
  EXPECT_EQ(wait(), seconds(80));
  clock_.advance(seconds(80) - milliseconds(1));
  EXPECT_FALSE(schedule_.is_due());
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(schedule_.is_due());
  EXPECT_TRUE(schedule_.is_usable());
  clock_.advance(seconds(20));
  EXPECT_FALSE(schedule_.is_usable());
}

TEST_F(RefreshScheduleTest, OneThatLastsForeverIsNeverDue) {
  get(kForever, kForever);
  clock_.advance(std::chrono::hours(24 * 365));
  EXPECT_FALSE(schedule_.is_due());
  EXPECT_TRUE(schedule_.is_usable());
}

TEST_F(RefreshScheduleTest, PausesDoubleUpToAMinuteAndBeginAnewAfterASuccess) {
  for (int expected : {1, 2, 4, 8, 16, 32, 60, 60}) {
    schedule_.failed(false, 0.5);
    EXPECT_EQ(wait(), seconds(expected));
    clock_.advance(wait());
    EXPECT_TRUE(schedule_.is_due());
  }
  get(seconds(1), seconds(1));
  clock_.advance(seconds(1));
  schedule_.failed(false, 0.5);
  EXPECT_EQ(wait(), seconds(1));
}

TEST_F(RefreshScheduleTest, PausesAreSpreadByAFifth) {
  schedule_.failed(false, 0);
  EXPECT_EQ(wait(), milliseconds(800));
  schedule_.changed();
  schedule_.failed(false, 0.999999);
  EXPECT_GT(wait(), milliseconds(1199));
  EXPECT_LE(wait(), milliseconds(1200));
}

TEST_F(RefreshScheduleTest, AFailureLeavesWhatWasGotOrEndsIt) {
  get(seconds(80), seconds(100));
  clock_.advance(seconds(80));
  schedule_.failed(false, 0.5);
  EXPECT_TRUE(schedule_.is_usable());
  schedule_.failed(true, 0.5);
  EXPECT_FALSE(schedule_.is_usable());
}

TEST_F(RefreshScheduleTest, TheEndOfTheLastOneIsTheNextThingIfItComesBeforeTheNextAttempt) {
  get(seconds(8), seconds(10));
  clock_.advance(seconds(8));
  for (int i = 0; i < 3; ++i) schedule_.failed(false, 0.5);
  EXPECT_EQ(wait(), seconds(2));
  clock_.advance(seconds(2));
  EXPECT_FALSE(schedule_.is_usable());
  EXPECT_EQ(wait(), seconds(2));  // the third pause is of four
}

TEST_F(RefreshScheduleTest, AChangeIsDueAtOnceAndForgetsFailures) {
  for (int i = 0; i < 5; ++i) schedule_.failed(true, 0.5);
  schedule_.changed();
  EXPECT_TRUE(schedule_.is_due());
  schedule_.failed(true, 0.5);
  EXPECT_EQ(wait(), seconds(1));
}

TEST_F(RefreshScheduleTest, ARejectionEndsTheUseAtMostEveryTenSeconds) {
  get(seconds(80), seconds(100));
  EXPECT_TRUE(schedule_.rejected());
  EXPECT_TRUE(schedule_.is_due());
  EXPECT_FALSE(schedule_.is_usable());
  get(seconds(80), seconds(100));
  EXPECT_FALSE(schedule_.rejected());
  EXPECT_TRUE(schedule_.is_usable());
  clock_.advance(seconds(10));
  EXPECT_TRUE(schedule_.rejected());
}

TEST_F(RefreshScheduleTest, ARejectionDoesNotShortenThePauseAfterAFailure) {
  get(seconds(80), seconds(100));
  clock_.advance(seconds(80));
  schedule_.failed(false, 0.5);
  EXPECT_TRUE(schedule_.rejected());
  EXPECT_FALSE(schedule_.is_due());
  EXPECT_EQ(wait(), seconds(1));
}

}  // namespace
}  // namespace fiso::link

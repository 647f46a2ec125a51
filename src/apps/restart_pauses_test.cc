#include "apps/restart_pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fiso::apps {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

std::vector<Duration> next(RestartPauses& pauses, Duration lived, int count) {
  std::vector<Duration> all;
  for (int i = 0; i < count; ++i) all.push_back(pauses.next(lived));
  return all;
}

TEST(RestartPauses, GrowFromNothingToFiveMinutes) {
  RestartPauses pauses;
  EXPECT_THAT(next(pauses, seconds(1), 6),
              ::testing::ElementsAre(seconds(0), seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)));
  next(pauses, seconds(1), 1000);
  EXPECT_EQ(pauses.next(seconds(599)), seconds(300));
}

TEST(RestartPauses, BeginAnewAfterTenGoodMinutes) {
  RestartPauses pauses;
  next(pauses, seconds(1), 10);
  EXPECT_EQ(pauses.next(minutes(10)), seconds(0));
  EXPECT_EQ(pauses.next(seconds(1)), seconds(1));
}

}  // namespace
}  // namespace fiso::apps

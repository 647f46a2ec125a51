#include "apps/restart_pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

namespace fiso::apps {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kMiddle = 0.5;

std::vector<Duration> next(RestartPauses& pauses, Duration lived, int count) {
  std::vector<Duration> all;
  for (int i = 0; i < count; ++i) all.push_back(pauses.next(lived, kMiddle));
  return all;
}

TEST(RestartPauses, GrowFromNothingToFiveMinutes) {
  RestartPauses pauses;
  EXPECT_THAT(next(pauses, seconds(1), 6),
              ::testing::ElementsAre(seconds(0), seconds(1), seconds(2), seconds(4), seconds(8), seconds(16)));
  next(pauses, seconds(1), 1000);
  EXPECT_EQ(pauses.next(seconds(599), kMiddle), seconds(300));
}

TEST(RestartPauses, BeginAnewAfterTenGoodMinutes) {
  RestartPauses pauses;
  next(pauses, seconds(1), 10);
  EXPECT_EQ(pauses.next(minutes(10), kMiddle), seconds(0));
  EXPECT_EQ(pauses.next(seconds(1), kMiddle), seconds(1));
}

TEST(RestartPauses, AreAFifthShorterOrLongerButForNone) {
  for (auto [random, first, last] : {std::tuple(0.0, milliseconds(800), seconds(240)), {1.0, milliseconds(1200), seconds(360)}}) {
    RestartPauses pauses;
    EXPECT_EQ(pauses.next(seconds(1), random), seconds(0));
    EXPECT_EQ(std::chrono::round<milliseconds>(pauses.next(seconds(1), random)), first);
    next(pauses, seconds(1), 100);
    EXPECT_EQ(std::chrono::round<milliseconds>(pauses.next(seconds(1), random)), last);
  }
}

}  // namespace
}  // namespace fiso::apps

#include "link/rate_limit.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/testing/manual_clock.h"

namespace fiso::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

int taken(RateLimit& limit, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += limit.try_take() == Duration(0) ? 1 : 0;
  return count;
}

TEST(RateLimit, GrantsABurstAndThenSoManyASecond) {
  testing::ManualClock clock;
  clock.advance(seconds(100));
  RateLimit limit(10, 5, clock);
  EXPECT_EQ(taken(limit, 20), 5);
  clock.advance(milliseconds(100));
  EXPECT_EQ(taken(limit, 20), 1);
  clock.advance(milliseconds(250));
  EXPECT_EQ(taken(limit, 20), 2);
  clock.advance(seconds(60));
  EXPECT_EQ(taken(limit, 20), 5);
}

TEST(RateLimit, TellsHowLongToWait) {
  testing::ManualClock clock;
  clock.advance(seconds(100));
  RateLimit limit(0.5, 1, clock);
  EXPECT_EQ(limit.try_take(), Duration(0));
  EXPECT_EQ(limit.try_take(), seconds(2));
  clock.advance(milliseconds(500));
  EXPECT_EQ(limit.try_take(), milliseconds(1500));
}

TEST(RateLimit, ThreadsShareIt) {
  testing::ManualClock clock;
  clock.advance(seconds(100));
  RateLimit limit(1, 1000, clock);
  std::atomic<int> all{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { all += taken(limit, 500); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(all, 1000);
}

}  // namespace
}  // namespace fiso::link

#include "async/limiter.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"

namespace fiso::async {
namespace {

using fiso::testing::run_task;
using std::chrono::milliseconds;

// Returns when releases under way on the shards have returned and the grants they posted have run; a limiter that shards
// still used may go only then.
void settle(ShardSet& shards) {
  for (int i = 0; i < 2; ++i) shards.run_on_each([](Shard&) {});
}

TEST(Limiter, GivesUntilItsCapacityIsUsed) {
  ShardSet shards(1);
  Limiter limiter(shards, 2, 0);
  auto first = limiter.try_acquire(), second = limiter.try_acquire();
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(limiter.try_acquire());
  first.release();
  EXPECT_TRUE(limiter.try_acquire());
}

TEST(Limiter, PermitsThatAreJoinedAreGivenBackTogether) {
  ShardSet shards(1);
  Limiter limiter(shards, 10, 0);
  Limiter::Permit held;
  held.join(limiter.try_acquire(3));
  held.join(limiter.try_acquire(4));
  held.join(limiter.try_acquire(4));  // more than is left: an empty one
  EXPECT_EQ(held.units(), 7u);
  EXPECT_EQ(limiter.in_use(), 7u);
  held.release();
  EXPECT_EQ(held.units(), 0u);
  EXPECT_EQ(limiter.in_use(), 0u);
}

TEST(Limiter, AFullQueueIsOverload) {
  ShardSet shards(1);
  Limiter limiter(shards, 1, 0);
  auto held = limiter.try_acquire();
  auto result = run_task(shards[0], [&] { return limiter.acquire(kNever); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kOverloaded);
}

TEST(Limiter, AWaitEndsAtItsDeadline) {
  ShardSet shards(1);
  Limiter limiter(shards, 1, 1);
  auto held = limiter.try_acquire();
  auto result = run_task(shards[0], [&] { return limiter.acquire(Clock::system().now() + milliseconds(5)); });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), ErrorCode::kTimeout);
}

TEST(Limiter, WhoeverIsShortIsToldOf) {
  ShardSet shards(1);
  Limiter limiter(shards, 3, 1);
  auto held = limiter.try_acquire(2);
  uint64_t wanted = 0;
  limiter.when_short([&](uint64_t units) {
    wanted = units;
    held.release();
  });
  EXPECT_TRUE(run_task(shards[0], [&] { return limiter.acquire(kNever, 1); }).has_value());
  EXPECT_EQ(wanted, 0u);
  settle(shards);
  EXPECT_TRUE(run_task(shards[0], [&] { return limiter.acquire(kNever, 3); }).has_value());
  EXPECT_EQ(wanted, 3u);
  settle(shards);
}

TEST(Limiter, WhoeverIsTurnedAwayIsToldOfToo) {
  ShardSet shards(1);
  Limiter limiter(shards, 1, 0);
  auto held = limiter.try_acquire();
  uint64_t wanted = 0;
  limiter.when_short([&](uint64_t units) { wanted = units; });
  EXPECT_FALSE(run_task(shards[0], [&] { return limiter.acquire(kNever); }).has_value());
  EXPECT_EQ(wanted, 1u);
}

TEST(Limiter, UnitsReleasedOnOneShardWakeAWaiterOfAnother) {
  ShardSet shards(2);
  Limiter limiter(shards, 1, 10);
  for (int round = 0; round < 500; ++round) {
    auto held = limiter.try_acquire();
    ASSERT_TRUE(held);
    auto permit = std::make_shared<Limiter::Permit>(std::move(held));
    shards[1].post([permit]() mutable { permit->release(); });
    auto result = run_task(shards[0], [&] { return limiter.acquire(kNever); });
    ASSERT_TRUE(result.has_value());
  }
  settle(shards);
  EXPECT_EQ(limiter.in_use(), 0u);
}

// Hammer: whatever the interleaving, the capacity is never exceeded and everybody is served.
TEST(Limiter, UnderContentionNeverExceedsItsCapacity) {
  ShardSet shards(2);
  Limiter limiter(shards, 3, 1000);
  std::atomic<int> inside{0}, worst{0}, served{0};
  auto worker = [&](Shard& shard) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      auto permit = co_await limiter.acquire(kNever);
      int now = ++inside;
      for (int w = worst; now > w && !worst.compare_exchange_weak(w, now);) {}
      co_await asio::post(shard.executor(), kTask);
      --inside;
      ++served;
    }
  };
  for (int i = 0; i < 20; ++i) {
    Shard& shard = shards[static_cast<unsigned>(i) % 2];
    shard.post([&] { spawn(shard, worker(shard)); });
  }
  while (served.load() < 20 * 200) std::this_thread::yield();
  settle(shards);
  EXPECT_LE(worst.load(), 3);
}

}  // namespace
}  // namespace fiso::async

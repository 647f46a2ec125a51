// How many shards suit the machine, and whether there can be any.
#include "async/shard.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <system_error>

#include "async/testing/no_threads.h"

namespace fiso::async {
namespace {

TEST(ShardSet, NoMoreShardsThanCpusSuit) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  EXPECT_GE(ShardSet::suitable_count(), 1u);
  EXPECT_LE(ShardSet::suitable_count(), static_cast<unsigned>(CPU_COUNT(&all)));
}

TEST(ShardSet, WithoutThreadsThereIsNone) {
  testing::NoThreads none;
  EXPECT_THROW(ShardSet(2), std::system_error);
}

TEST(ShardSet, OneCpuInTheAffinityIsOneShard) {
  cpu_set_t all, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  CPU_ZERO(&one);
  int first = 0;
  while (!CPU_ISSET(first, &all)) ++first;
  CPU_SET(first, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(ShardSet::suitable_count(), 1u);
  ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
}

}  // namespace
}  // namespace fiso::async

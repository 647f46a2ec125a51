#include "async/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "async/testing/no_threads.h"
#include "async/testing/run_task.h"

namespace fiso::async {
namespace {

TEST(BlockingPool, AJobRunsOnAnotherThreadAndItsCallerGoesOnOnItsShard) {
  ShardSet shards(1);
  BlockingPool pool(2, 4);
  testing::run_task(shards[0], [&]() -> Task<> {
    std::thread::id shard = std::this_thread::get_id();
    auto thread = co_await pool.run([] { return std::this_thread::get_id(); });
    EXPECT_NE(thread.value(), shard);
    EXPECT_EQ(std::this_thread::get_id(), shard);
  });
}

TEST(BlockingPool, BeyondItsQueueJobsAreRefused) {
  std::promise<void> go;
  std::shared_future<void> may_go = go.get_future().share();
  std::atomic<int> done{0};
  {
    BlockingPool pool(1, 2);
    auto wait = [&] {
      may_go.wait();
      ++done;
    };
    EXPECT_TRUE(pool.submit(wait));
    EXPECT_TRUE(pool.submit(wait));
    EXPECT_FALSE(pool.submit(wait));
    go.set_value();
  }
  EXPECT_EQ(done, 2);  // what was taken is finished
}

TEST(BlockingPool, WithoutAThreadJobsAreRefusedUntilThereIsOne) {
  std::atomic<int> done{0};
  {
    BlockingPool pool(2, 4);
    {
      testing::NoThreads none;
      EXPECT_FALSE(pool.submit([&] { ++done; }));
    }
    EXPECT_TRUE(pool.submit([&] { ++done; }));
  }
  EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace fiso::async

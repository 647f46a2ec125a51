#include "async/run_and_wait.h"

#include <gtest/gtest.h>

#include <memory>

#include "async/signal.h"

namespace fiso::async {
namespace {

TEST(RunAndWait, TheTaskRunsOnTheShardAndItsValueComesBack) {
  ShardSet shards(2);
  auto index = [](int) -> Task<std::unique_ptr<unsigned>> { co_return std::make_unique<unsigned>(Shard::current().index()); };
  EXPECT_EQ(*run_and_wait(shards[0], [&] { return index(0); }), 0u);
  EXPECT_EQ(*run_and_wait(shards[1], [&] { return index(0); }), 1u);
}

TEST(RunAndWait, ATaskWithoutAValueHasEndedToo) {
  ShardSet shards(1);
  bool ended = false;
  Signal signal(shards[0].executor());
  auto wait_for_signal = [](Signal& awaited, bool& done) -> Task<> {
    spawn(Shard::current(), [](Signal& set) -> Task<> {
      set.set();
      co_return;
    }(awaited));
    co_await awaited.wait();
    done = true;
  };
  run_and_wait(shards[0], [&] { return wait_for_signal(signal, ended); });
  EXPECT_TRUE(ended);
}

TEST(RunAndWait, WhatTheTaskHeldIsGoneWhenItReturns) {
  ShardSet shards(1);
  auto held = std::make_shared<int>(7);
  auto read = [](std::shared_ptr<int> number) -> Task<int> { co_return *number; };
  EXPECT_EQ(run_and_wait(shards[0], [&] { return read(held); }), 7);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace fiso::async

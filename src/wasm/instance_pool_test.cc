// A fresh instance per run, and the limits that all runs share. Instances that are started ahead: instance_pool_ahead_test.cc.
#include "wasm/instance_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wasm/testing/pool_rig.h"

namespace fiso::wasm {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using testing::FakeProgram;
using testing::FakeReads;
using testing::HeldCalls;
using testing::PoolRig;
using testing::RunningGuest;

TEST(InstancePool, EveryRunGetsAnInstanceOfItsOwn) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, {.module = "guest"});
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(guest.run(std::to_string(i)).output, std::to_string(i));
    EXPECT_EQ(rig.fake().made(), i);
  }
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_EQ(rig.fake().alive(), 0);
}

TEST(InstancePool, AnInstanceIsGoneWhenItsRunHasEnded) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    co_await guest.run_here("x");
    EXPECT_EQ(rig.fake().alive(), 0);
    EXPECT_EQ(rig.capacity.instances.in_use(), 0u);
    EXPECT_EQ(rig.capacity.memory.in_use(), 0u);
  });
}

TEST(InstancePool, AFailedRunGivesBackWhatItHeld) {
  PoolRig rig({.serve = testing::ends_with({.outcome = Outcome::kTrap, .detail = "unreachable"}), .initial_memory = 1_MiB});
  RunningGuest guest(rig, {.module = "guest"});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guest.run("x").outcome, Outcome::kTrap);
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_EQ(guest.instances(), 0);
}

TEST(InstancePool, AnInstanceHoldsItsInitialMemoryWhileItLives) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve(), .initial_memory = 3_MiB});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "x");
    co_await rig.until([&] { return held.count() == 1; });
    EXPECT_EQ(rig.capacity.memory.in_use(), (3_MiB).count);
    EXPECT_EQ(rig.capacity.instances.in_use(), 1u);
    EXPECT_EQ(guest.instances(), 1);
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, RunsBeyondTheNumberOfInstancesWaitInOrder) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_GiB}});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    for (const char* name : {"a", "b", "c"}) rig.start(guest, name);
    for (size_t done = 0; done < 3; ++done) {
      co_await rig.until([&] { return held.count() == 1; });
      EXPECT_EQ(rig.finished.size(), done);
      EXPECT_EQ(rig.fake().alive(), 1);
      held.release();
      co_await rig.until([&] { return rig.finished.size() == done + 1; });
    }
  });
  EXPECT_THAT(rig.finished, ElementsAre("a ok", "b ok", "c ok"));
}

TEST(InstancePool, AFullQueueIsOverload) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()}, {.capacity = {.instances = 1, .queue = 1, .memory = 1_GiB}});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    for (const char* name : {"runs", "waits", "turned away"}) rig.start(guest, name);
    co_await rig.until([&] { return rig.finished.size() == 1 && held.count() == 1; });
    EXPECT_THAT(rig.finished, ElementsAre("turned away overloaded"));
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 2 && held.count() == 1; });
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 3; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("turned away overloaded", "runs ok", "waits ok"));
}

TEST(InstancePool, AWaitForAPlaceEndsAtTheGuestsTimeout) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_GiB}});
  RunningGuest guest(rig, {.module = "guest", .limits = {.timeout = milliseconds(20)}});
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "runs");
    co_await rig.until([&] { return held.count() == 1; });
    RunResult waited = co_await guest.run_here("waits");
    EXPECT_EQ(waited.outcome, Outcome::kOverloaded);
    EXPECT_EQ(to_error(waited, guest.limits()).code(), ErrorCode::kOverloaded);
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, RunsWaitForMemoryToo) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve(), .initial_memory = 3_MiB}, {.capacity = {.instances = 10, .queue = 10, .memory = 4_MiB}});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    for (const char* name : {"a", "b"}) rig.start(guest, name);
    co_await rig.until([&] { return held.count() == 1 && rig.capacity.memory.waiting() == 1; });
    EXPECT_EQ(rig.fake().alive(), 1);
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1 && held.count() == 1; });
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 2; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("a ok", "b ok"));
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, AModuleThatNeverFitsIsTurnedAwayAtOnce) {
  PoolRig rig({.serve = testing::echoes(), .initial_memory = 5_MiB},
              {.capacity = {.instances = 10, .queue = 10, .memory = 4_MiB}});
  RunningGuest guest(rig, {.module = "guest"});
  EXPECT_EQ(guest.run("x").outcome, Outcome::kOverloaded);
  EXPECT_EQ(rig.fake().made(), 0);
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, AClosedPoolFinishesWhatIsUnderWay) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "x");
    co_await rig.until([&] { return held.count() == 1; });
    guest.pool().close();
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
    EXPECT_EQ(rig.fake().alive(), 0);
  });
  EXPECT_THAT(rig.finished, ElementsAre("x ok"));
}

TEST(InstancePool, ShardsShareTheCapacity) {
  PoolRig rig({.serve = testing::echoes()}, {.shards = 2, .capacity = {.instances = 1, .queue = 1000, .memory = 1_GiB}});
  RunningGuest guest(rig, {.module = "guest"});
  constexpr int kRuns = 200;
  std::atomic<int> good{0};
  rig.shards.run_on_each([&](async::Shard& shard) {
    for (int i = 0; i < kRuns; ++i) {
      async::spawn(shard, [](RunningGuest& runs, unsigned on, std::atomic<int>& ok) -> Task<> {
        RunResult result = co_await runs.run_here("x", on);
        if (result.outcome == Outcome::kOk) ++ok;
      }(guest, shard.index(), good));
    }
  });
  EXPECT_TRUE(testing::eventually(rig.shards, [&] { return good == 2 * kRuns; }));
  EXPECT_TRUE(rig.becomes_idle());
}

}  // namespace
}  // namespace fiso::wasm

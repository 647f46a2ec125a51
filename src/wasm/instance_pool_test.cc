// A fresh instance per run, and the limits that all runs share. Instances that are started ahead: instance_pool_ahead_test.cc.
#include "wasm/instance_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/fake_caller.h"
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

TEST(InstancePool, InputOfWhichADeadInstanceReadNothingIsGivenToAnother) {
  for (auto [died_before, unread, outcome, made] :
       {std::tuple(1, 5, Outcome::kOk, 2), {2, 5, Outcome::kOk, 3}, {3, 5, Outcome::kTrap, 3}, {1, 4, Outcome::kTrap, 1}}) {
    int deaths = died_before;
    std::vector<MonotonicTime> deadlines;
    PoolRig rig({.serve = [&](testing::FakeCall call) -> Task<RunResult> {
      deadlines.push_back(call.deadline);
      if (deaths-- > 0) co_return RunResult{.outcome = Outcome::kTrap, .died = true, .unread = static_cast<uint64_t>(unread)};
      co_return RunResult{.output = std::string(call.input)};
    }});
    RunningGuest guest(rig, {.module = "guest"});
    EXPECT_EQ(guest.run("input").outcome, outcome) << died_before;
    EXPECT_EQ(rig.fake().made(), made);
    EXPECT_THAT(deadlines, ::testing::Each(deadlines.front())) << "the run has no more time for that";
    EXPECT_TRUE(rig.becomes_idle());
  }
}

TEST(InstancePool, ARunIsStoppedWhereverItIs) {
  PoolRig rig({.serve = testing::runs_until_its_deadline()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_MiB}});
  RunningGuest guest(rig, {.module = "guest", .limits = {.timeout = std::chrono::hours(1)}});
  rig.on_shard([&]() -> Task<> {
    std::array<RunHandle, 2> handles;
    std::array<std::optional<RunResult>, 2> results;
    for (size_t i = 0; i < 2; ++i) {
      auto run = [](InstancePool& pool, RunHandle& handle, std::optional<RunResult>& result) -> Task<> {
        result = co_await pool.run({.input = {}, .handle = &handle});
      };
      async::spawn(async::Shard::current(), run(guest.pool(), handles[i], results[i]));
    }
    co_await rig.until([&] { return guest.instances() == 1; });
    handles[1].stop();  // it waits for a place
    handles[0].stop();
    co_await rig.until([&] { return results[0].has_value() && results[1].has_value(); });
    for (const auto& result : results) EXPECT_EQ(result->outcome, Outcome::kTimeout);
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, ARunWhoseCallerLeavesIsStoppedWhereverItIs) {
  PoolRig rig({.serve = testing::runs_until_its_deadline()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_MiB}});
  RunningGuest guest(rig, {.module = "guest", .limits = {.timeout = std::chrono::hours(1)}});
  rig.on_shard([&]() -> Task<> {
    std::array<fiso::testing::FakeCaller, 3> callers;
    std::array<std::optional<RunResult>, 3> results;
    callers[2].leave();
    for (size_t i = 0; i < callers.size(); ++i) {
      auto run = [](InstancePool& pool, Caller& caller, std::optional<RunResult>& result) -> Task<> {
        result = co_await pool.run({.input = {}, .caller = &caller});
      };
      async::spawn(async::Shard::current(), run(guest.pool(), callers[i], results[i]));
    }
    co_await rig.until([&] { return guest.instances() == 1; });
    callers[1].leave();  // it waits for a place
    callers[0].leave();
    co_await rig.until([&] { return results[0].has_value() && results[1].has_value() && results[2].has_value(); });
    for (const auto& result : results) EXPECT_EQ(result->outcome, Outcome::kAbandoned);
    for (const auto& caller : callers) EXPECT_FALSE(caller.is_watched());
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, ARunHasNoMoreTimeThanItsCaller) {
  PoolRig rig({.serve = testing::runs_until_its_deadline()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_MiB}});
  RunningGuest patient(rig, {.module = "guest", .limits = {.timeout = std::chrono::hours(1)}});
  RunningGuest quick(rig, {.module = "guest", .limits = {.timeout = milliseconds(1)}});
  auto in = [](Duration time) { return std::chrono::steady_clock::now() + time; };
  rig.on_shard([&]() -> Task<> {
    RunResult late = co_await patient.pool().run({.input = {}, .latest = in(milliseconds(1))});
    EXPECT_EQ(late.outcome, Outcome::kLate);
    RunResult own = co_await quick.pool().run({.input = {}, .latest = in(std::chrono::hours(1))});
    EXPECT_EQ(own.outcome, Outcome::kTimeout);
    std::optional<RunResult> first;
    fiso::testing::FakeCaller caller;
    auto run = [](InstancePool& pool, Caller& who, std::optional<RunResult>& result) -> Task<> {
      result = co_await pool.run({.input = {}, .caller = &who});
    };
    async::spawn(async::Shard::current(), run(patient.pool(), caller, first));
    co_await rig.until([&] { return patient.instances() == 1; });
    RunResult waited = co_await patient.pool().run({.input = {}, .latest = in(milliseconds(1))});
    EXPECT_EQ(waited.outcome, Outcome::kLate);
    caller.leave();
    co_await rig.until([&] { return first.has_value(); });
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, AllRunsAreStoppedWhereverTheyAreAndNoMoreAreLetIn) {
  PoolRig rig({.serve = testing::runs_until_its_deadline()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_MiB}});
  RunningGuest guest(rig, {.module = "guest", .limits = {.timeout = std::chrono::hours(1)}});
  rig.on_shard([&]() -> Task<> {
    for (const char* name : {"runs", "waits"}) rig.start(guest, name);
    co_await rig.until([&] { return guest.instances() == 1; });
    guest.pool().stop_runs();
    co_await rig.until([&] { return rig.finished.size() == 2; });
    rig.start(guest, "late");
    co_await rig.until([&] { return rig.finished.size() == 3; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("runs overloaded", "waits overloaded", "late overloaded"));
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePool, AnInstanceThatFailsByItselfIsNotRetriedWhateverItRead) {
  PoolRig rig({.serve = testing::ends_with({.outcome = Outcome::kExit, .exit_code = 1, .unread = 5})});
  RunningGuest guest(rig, {.module = "guest"});
  EXPECT_EQ(guest.run("input").outcome, Outcome::kExit);
  EXPECT_EQ(rig.fake().made(), 1);
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

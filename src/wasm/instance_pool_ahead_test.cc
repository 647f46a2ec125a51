// `pooled`: instances that are started ahead and wait for their input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wasm/testing/pool_rig.h"

namespace fiso::wasm {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using testing::eventually;
using testing::FakeProgram;
using testing::FakeReads;
using testing::HeldCalls;
using testing::PoolRig;
using testing::RunningGuest;

testing::GuestSpec pooled(PoolOptions options, Limits limits = {}) {
  options.execution = Execution::kPooled;
  return {.module = "guest", .limits = limits, .pool = options};
}

FakeProgram looping() {
  return {.reads = FakeReads::kLines, .serve = [](testing::FakeCall call) -> Task<RunResult> {
            co_return RunResult{.output = std::string(call.input) + std::to_string(call.served + 1)};
          }};
}

TEST(InstancePoolAhead, FillsWhenItOpens) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, pooled({.size = 3}));
  EXPECT_TRUE(guest.parks(3));
  EXPECT_EQ(rig.fake().made(), 3);
  EXPECT_EQ(guest.instances(), 3);
  EXPECT_EQ(rig.capacity.instances.in_use(), 3u);
}

TEST(InstancePoolAhead, ARunTakesWhatIsParkedAndItIsReplaced) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, pooled({.size = 2}));
  ASSERT_TRUE(guest.parks(2));
  for (int run = 1; run <= 4; ++run) {
    EXPECT_EQ(guest.run("x").output, "x");
    ASSERT_TRUE(guest.parks(2));
    EXPECT_EQ(rig.fake().made(), 2 + run);
  }
  EXPECT_EQ(rig.fake().alive(), 2);
}

TEST(InstancePoolAhead, AGuestThatFailsBeforeItReadsIsTold) {
  auto fails = [](testing::FakeCall) -> Task<RunResult> { co_return RunResult{.outcome = Outcome::kExit, .exit_code = 7}; };
  PoolRig rig({.serve = testing::echoes(), .start_up = fails}, {.shards = 2});
  RunningGuest guest(rig, pooled({.size = 1}));
  ASSERT_TRUE(eventually(rig.shards, [&] { return guest.share().warm(); }));
  ASSERT_TRUE(guest.share().start_failure().has_value());
  EXPECT_EQ(guest.share().start_failure()->exit_code, 7u);
}

// A shard that found no place left says nothing about the others.
TEST(InstancePoolAhead, IsWarmWhenAllShardsHaveStartedTheirs) {
  std::atomic<bool> may_end{false};
  auto starts_slowly = [&](testing::FakeCall) -> Task<RunResult> {
    co_await PoolRig::until([&] { return may_end.load(); });
    co_return RunResult{};
  };
  PoolRig rig({.serve = testing::echoes(), .start_up = starts_slowly}, {.shards = 2});
  RunningGuest guest(rig, pooled({.size = 1}));
  ASSERT_TRUE(eventually(rig.shards, [&] { return guest.instances() == 1; }));
  for (int i = 0; i < 1000; ++i) rig.shards.run_on_each([](async::Shard&) {});
  EXPECT_FALSE(guest.share().warm());
  may_end = true;
  ASSERT_TRUE(eventually(rig.shards, [&] { return guest.share().warm(); }));
  EXPECT_FALSE(guest.share().start_failure().has_value());
}

TEST(InstancePoolAhead, WhatDiedWhileItStoodParkedIsNotUsed) {
  std::atomic<bool> dead{false};
  auto serve = [&](testing::FakeCall call) -> Task<RunResult> {
    dead = false;  // what is started from now on is well
    co_return RunResult{.output = std::string(call.input)};
  };
  PoolRig rig({.serve = serve, .parked_are_dead = &dead});
  RunningGuest guest(rig, pooled({.size = 2}));
  ASSERT_TRUE(guest.parks(2));
  dead = true;
  EXPECT_EQ(guest.run("x").output, "x");
  ASSERT_TRUE(guest.parks(2));
  EXPECT_EQ(rig.fake().made(), 5);
  EXPECT_EQ(rig.fake().alive(), 2);
}

TEST(InstancePoolAhead, WhereNoneIsParkedARunGetsAFreshInstance) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()});
  RunningGuest guest(rig, pooled({.size = 1}));
  ASSERT_TRUE(guest.parks(1));
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "a");
    rig.start(guest, "b");
    co_await rig.until([&] { return held.count() == 2; });
    held.release();
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 2; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("a ok", "b ok"));
  EXPECT_TRUE(guest.parks(1));
  EXPECT_EQ(rig.fake().made(), 3);
}

TEST(InstancePoolAhead, NothingIsStartedWhileARunUsesTheShard) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()});
  RunningGuest guest(rig, pooled({.size = 2}));
  ASSERT_TRUE(guest.parks(2));
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "long");
    co_await rig.until([&] { return held.count() == 1; });
    rig.start(guest, "short");
    co_await rig.until([&] { return held.count() == 2; });
    // Room for a refill that does not step aside.
    co_await async::sleep_until(std::chrono::steady_clock::now() + milliseconds(5));
    EXPECT_EQ(rig.fake().made(), 2);
    held.release();
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 2; });
  });
  EXPECT_TRUE(guest.parks(2));
  EXPECT_EQ(rig.fake().made(), 4);
}

TEST(InstancePoolAhead, AnInstanceServesAsManyRunsAsItMay) {
  PoolRig rig(looping());
  RunningGuest guest(rig, pooled({.size = 1, .max_requests = 3}));
  ASSERT_TRUE(guest.parks(1));
  std::vector<std::string> outputs;
  for (int i = 0; i < 7; ++i) {
    outputs.push_back(guest.run("n\n").output);
    ASSERT_TRUE(guest.parks(1));
  }
  EXPECT_THAT(outputs, ElementsAre("n1\n", "n2\n", "n3\n", "n1\n", "n2\n", "n3\n", "n1\n"));
  EXPECT_EQ(rig.fake().made(), 3);
}

TEST(InstancePoolAhead, AFreshInstanceThatLoopsStaysIfThereIsAPlaceForIt) {
  HeldCalls held;
  PoolRig rig({.reads = FakeReads::kLines, .serve = held.serve()});
  RunningGuest guest(rig, pooled({.size = 1, .max_requests = 10}));
  ASSERT_TRUE(guest.parks(1));
  rig.on_shard([&]() -> Task<> {
    for (const char* name : {"a", "b", "c"}) rig.start(guest, name);
    co_await rig.until([&] { return held.count() == 3; });
    for (int i = 0; i < 3; ++i) held.release();
    co_await rig.until([&] { return rig.finished.size() == 3; });
  });
  EXPECT_TRUE(guest.parks(1));
  EXPECT_TRUE(eventually(rig.shards, [&] { return rig.fake().alive() == 1; }));
  EXPECT_EQ(rig.fake().made(), 3);
}

TEST(InstancePoolAhead, AGuestThatReadsToTheEndServesOneRunEach) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, pooled({.size = 1, .max_requests = 10}));
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(guest.parks(1));
    EXPECT_EQ(guest.run("x").output, "x");
  }
  ASSERT_TRUE(guest.parks(1));
  EXPECT_EQ(rig.fake().made(), 5);
}

TEST(InstancePoolAhead, AGuestThatReadsNothingIsNotStartedAhead) {
  PoolRig rig({.reads = FakeReads::kNever, .serve = testing::answers("at once")});
  RunningGuest guest(rig, pooled({.size = 2}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(guest.run("x").output, "at once");
  EXPECT_EQ(guest.parked(), 0);
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_LE(rig.fake().made(), 4);  // one attempt, and one for each run
}

TEST(InstancePoolAhead, AFailedStartUpLeavesNothingBehind) {
  PoolRig rig({.serve = testing::echoes(), .start_up = testing::ends_with({.outcome = Outcome::kTrap, .detail = "unreachable"})});
  RunningGuest guest(rig, pooled({.size = 2}));
  EXPECT_EQ(guest.run("x").outcome, Outcome::kTrap);
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePoolAhead, AStartUpThatFoundNoMemoryIsTriedAgain) {
  std::atomic<bool> exhausted{true};
  PoolRig rig({.serve = testing::echoes(), .start_up = [&](testing::FakeCall) -> Task<RunResult> {
                 co_return RunResult{.outcome = exhausted ? Outcome::kExhausted : Outcome::kOk};
               }});
  RunningGuest guest(rig, pooled({.size = 1}));
  EXPECT_EQ(guest.run("x").outcome, Outcome::kExhausted);
  EXPECT_TRUE(rig.becomes_idle());
  exhausted = false;
  EXPECT_EQ(guest.run("x").outcome, Outcome::kOk);
  EXPECT_TRUE(guest.parks(1));
}

TEST(InstancePoolAhead, AStartUpWhoseProcessDiedIsTriedAgain) {
  std::atomic<bool> dies{true};
  PoolRig rig({.serve = testing::echoes(), .start_up = [&](testing::FakeCall) -> Task<RunResult> {
                 if (dies) co_return RunResult{.outcome = Outcome::kTrap, .detail = "it died", .died = true};
                 co_return RunResult{};
               }});
  RunningGuest guest(rig, pooled({.size = 1}));
  EXPECT_EQ(guest.run("x").outcome, Outcome::kTrap);
  EXPECT_TRUE(rig.becomes_idle());
  dies = false;
  EXPECT_TRUE(guest.parks(1));
  EXPECT_EQ(guest.run("x").output, "x");
}

TEST(InstancePoolAhead, AGuestThatTrapsIsReplaced) {
  PoolRig rig({.serve = testing::ends_with({.outcome = Outcome::kTrap, .detail = "unreachable"})});
  RunningGuest guest(rig, pooled({.size = 1, .max_requests = 5}));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.parks(1));
    EXPECT_EQ(guest.run("x").outcome, Outcome::kTrap);
  }
  ASSERT_TRUE(guest.parks(1));
  EXPECT_EQ(rig.fake().alive(), 1);
}

TEST(InstancePoolAhead, WhatHasStoodTooLongIsReplaced) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, pooled({.size = 2, .stale_after = milliseconds(1)}));
  EXPECT_TRUE(eventually(rig.shards, [&] { return rig.fake().made() >= 6 && guest.parked() == 2; }));
  EXPECT_TRUE(eventually(rig.shards, [&] { return rig.fake().alive() == 2; }));
}

TEST(InstancePoolAhead, WhatHasStoodTooLongIsReplacedBesideWhatHasNot) {
  PoolRig rig(looping());
  RunningGuest guest(rig, pooled({.size = 2, .max_requests = 1000, .stale_after = milliseconds(1)}));
  // A fresh instance that served and stays is not stale, whatever stands beside it.
  EXPECT_TRUE(eventually(rig.shards, [&] { return guest.run("n\n").outcome == Outcome::kOk && rig.fake().made() >= 6; }));
  EXPECT_TRUE(guest.parks(2));
  int64_t made = rig.fake().made();
  EXPECT_TRUE(eventually(rig.shards, [&] { return rig.fake().made() > made; }));
}

TEST(InstancePoolAhead, WhatHasStoodTooLongIsNotUsed) {
  PoolRig rig({.serve = testing::echoes()});
  RunningGuest guest(rig, pooled({.size = 1, .stale_after = std::chrono::nanoseconds(1)}));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(guest.run("x").output, "x");
  EXPECT_GE(rig.fake().made(), 20);
}

TEST(InstancePoolAhead, ClosingGivesBackWhatIsParked) {
  PoolRig rig({.serve = testing::echoes(), .initial_memory = 1_MiB});
  {
    RunningGuest guest(rig, pooled({.size = 4}));
    ASSERT_TRUE(guest.parks(4));
    EXPECT_EQ(rig.capacity.memory.in_use(), (4_MiB).count);
    rig.on_shard([&]() -> Task<> {
      guest.pool().close();
      EXPECT_EQ(rig.fake().alive(), 0);
      EXPECT_EQ(guest.parked(), 0);
      co_return;
    });
    EXPECT_EQ(guest.run("x").output, "x");
  }
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_EQ(rig.fake().alive(), 0);
}

TEST(InstancePoolAhead, MayCloseWhileAnInstanceStarts) {
  HeldCalls held;
  PoolRig rig({.serve = testing::echoes(), .start_up = held.serve()});
  RunningGuest guest(rig, pooled({.size = 2}));
  rig.on_shard([&]() -> Task<> {
    co_await rig.until([&] { return held.count() == 1; });
    guest.pool().close();
    held.release();
    co_await rig.until([&] { return rig.fake().alive() == 0; });
  });
  EXPECT_TRUE(rig.becomes_idle());
  EXPECT_EQ(guest.parked(), 0);
}

TEST(InstancePoolAhead, ClosingStopsAGuestThatIsBeingStarted) {
  PoolRig rig({.serve = testing::echoes(), .start_up = testing::runs_until_its_deadline()});
  RunningGuest guest(rig, pooled({.size = 2}, {.timeout = std::chrono::hours(1)}));
  rig.on_shard([&]() -> Task<> {
    co_await rig.until([&] { return rig.fake().alive() == 1; });
    guest.pool().close();
    co_await rig.until([&] { return rig.fake().alive() == 0; });
  });
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePoolAhead, MayGoRightAfterItWasOpened) {
  PoolRig rig({.serve = testing::echoes()});
  for (int i = 0; i < 20; ++i) {
    auto share = rig.make_share(pooled({.size = 2}));
    rig.shards.run_on(0, [&](async::Shard& shard) {
      auto pool = std::make_shared<InstancePool>(shard, rig.capacity, share);
      pool->open();
      pool->close();
    });
    EXPECT_TRUE(eventually(rig.shards, [&] { return share.use_count() == 1; }));
  }
  EXPECT_TRUE(rig.becomes_idle());
}

TEST(InstancePoolAhead, PlacesAreDividedBetweenShardsByUse) {
  PoolRig rig({.serve = testing::echoes()}, {.shards = 2});
  RunningGuest guest(rig, pooled({.size = 3}));
  ASSERT_TRUE(guest.parks(3));
  for (int i = 0; i < 20; ++i) {
    for (unsigned shard : {0u, 1u}) {
      EXPECT_EQ(guest.run("x", shard).output, "x");
      EXPECT_LE(guest.parked(), 3);
    }
  }
  EXPECT_TRUE(eventually(rig.shards, [&] { return guest.parked() == 3 && rig.fake().alive() == 3; }));
}

TEST(InstancePoolAhead, WhatHasServedMakesRoomWhileALongRunUsesTheShard) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()}, {.capacity = {.instances = 2, .queue = 10, .memory = 1_GiB}});
  RunningGuest guest(rig, pooled({.size = 1}));
  ASSERT_TRUE(guest.parks(1));
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "short");
    co_await rig.until([&] { return held.count() == 1; });
    rig.start(guest, "long");
    co_await rig.until([&] { return held.count() == 2; });
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
    rig.start(guest, "next");
    co_await rig.until([&] { return held.count() == 2; });
    held.release();
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 3; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("short ok", "long ok", "next ok"));
}

TEST(InstancePoolAhead, RunsGoBeforeStartingAhead) {
  HeldCalls held;
  PoolRig rig({.reads = FakeReads::kNever, .serve = held.serve()}, {.capacity = {.instances = 1, .queue = 10, .memory = 1_GiB}});
  RunningGuest guest(rig, {.module = "guest"});
  rig.on_shard([&]() -> Task<> {
    rig.start(guest, "a");
    co_await rig.until([&] { return held.count() == 1; });
  });
  {
    RunningGuest other(rig, pooled({.size = 4}));
    EXPECT_EQ(other.instances(), 0);
    EXPECT_EQ(rig.capacity.instances.waiting(), 0u);
  }
  rig.on_shard([&]() -> Task<> {
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
  });
  EXPECT_THAT(rig.finished, ElementsAre("a ok"));
}

TEST(InstancePoolAhead, ManyRunsOnTwoShardsAllEndWell) {
  PoolRig rig(looping(), {.shards = 2});
  RunningGuest guest(rig, pooled({.size = 4, .max_requests = 3}));
  constexpr int kRuns = 300;
  std::atomic<int> good{0};
  rig.shards.run_on_each([&](async::Shard& shard) {
    for (int i = 0; i < kRuns; ++i) {
      async::spawn(shard, [](RunningGuest& runs, unsigned on, std::atomic<int>& ok) -> Task<> {
        RunResult result = co_await runs.run_here("n\n", on);
        if (result.outcome == Outcome::kOk && result.output.starts_with("n")) ++ok;
      }(guest, shard.index(), good));
    }
  });
  EXPECT_TRUE(eventually(rig.shards, [&] { return good == 2 * kRuns; }));
  EXPECT_TRUE(eventually(rig.shards, [&] { return guest.parked() == 4 && rig.fake().alive() == 4; }));
}

}  // namespace
}  // namespace fiso::wasm

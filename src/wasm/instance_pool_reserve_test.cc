// What is parked gives way: to runs of any guest that are short of room, and to the shard that has the runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wasm/testing/pool_rig.h"

namespace fiso::wasm {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::FakeProgram;
using testing::FakeReads;
using testing::GuestSpec;
using testing::HeldCalls;
using testing::PoolRig;
using testing::RigOptions;
using testing::RunningGuest;
using ::testing::UnorderedElementsAre;

GuestSpec parking(int64_t size, Duration patience = hours(1)) {
  return {.module = "guest", .pool = {.execution = Execution::kPooled, .size = size, .patience = patience}};
}

GuestSpec fresh() { return {.module = "guest", .limits = {.timeout = hours(1)}}; }

RigOptions with_capacity(CapacityOptions capacity, unsigned shards = 1) { return {.shards = shards, .capacity = capacity}; }

// Only park() listens here to what the guest writes to stderr.
bool is_started_ahead(const testing::FakeCall& call) { return call.stderr_lines != nullptr; }

TEST(InstancePoolReserve, ARunGetsThePlaceOfAnotherGuestsParkedInstance) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 2, .queue = 10, .memory = 1_GiB}));
  RunningGuest idle(rig, parking(2)), busy(rig, fresh());
  ASSERT_TRUE(idle.parks(2));
  EXPECT_EQ(busy.run("x").output, "x");
  EXPECT_EQ(idle.parked(), 1);
}

TEST(InstancePoolReserve, NobodyIsTurnedAwayWhileAnInstanceStandsIdleBesideIt) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 1, .queue = 0, .memory = 1_GiB}));
  RunningGuest idle(rig, parking(1)), busy(rig, fresh());
  ASSERT_TRUE(idle.parks(1));
  EXPECT_EQ(busy.run("x").outcome, Outcome::kOk);
}

TEST(InstancePoolReserve, ARunGetsTheMemoryOfAParkedInstance) {
  PoolRig rig({.serve = testing::echoes(), .initial_memory = 2_MiB},
              with_capacity({.instances = 10, .queue = 10, .memory = 5_MiB}));
  RunningGuest idle(rig, parking(2)), busy(rig, fresh());
  ASSERT_TRUE(idle.parks(2));
  EXPECT_EQ(busy.run("x").output, "x");
  EXPECT_EQ(idle.parked(), 1);
}

TEST(InstancePoolReserve, WhatIsIdleForLongestGoesFirst) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 2, .queue = 10, .memory = 1_GiB}));
  RunningGuest older(rig, parking(1));
  ASSERT_TRUE(older.parks(1));
  RunningGuest newer(rig, parking(1)), busy(rig, fresh());
  ASSERT_TRUE(newer.parks(1));
  EXPECT_EQ(busy.run("x").output, "x");
  EXPECT_EQ(older.parked(), 0);
  EXPECT_EQ(newer.parked(), 1);
}

TEST(InstancePoolReserve, OtherShardsGiveUpWhatTheyHave) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 2, .queue = 10, .memory = 1_GiB}, 2));
  auto share = rig.make_share(parking(2));
  auto pool = std::make_shared<InstancePool>(rig.shards[1], rig.capacity, share);
  rig.shards.run_on(1, [&](async::Shard&) { pool->open(); });
  ASSERT_TRUE(testing::eventually(rig.shards, [&] { return share->parked.value() == 2; }));
  {
    RunningGuest busy(rig, fresh());
    EXPECT_EQ(busy.run("x", 0).output, "x");
    EXPECT_EQ(share->parked.value(), 1);
  }
  rig.shards.run_on(1, [&](async::Shard&) {
    pool->close();
    pool.reset();
  });
  EXPECT_TRUE(testing::eventually(rig.shards, [&] { return share.use_count() == 1; }));
}

TEST(InstancePoolReserve, WhatIsBeingStartedIsCalledOff) {
  std::atomic<bool> starts{true};
  PoolRig rig({.serve = testing::echoes(),
               .start_up = [&](testing::FakeCall call) -> Task<RunResult> {
                 if (!is_started_ahead(call) || !starts) co_return RunResult{};
                 co_return co_await testing::runs_until_its_deadline()(call);
               }},
              with_capacity({.instances = 1, .queue = 10, .memory = 1_GiB}));
  GuestSpec slow = parking(1, milliseconds(1));
  slow.limits.timeout = hours(1);
  RunningGuest starting(rig, slow), busy(rig, fresh());
  ASSERT_TRUE(testing::eventually(rig.shards, [&] { return rig.fake().alive() == 1; }));
  starts = false;
  EXPECT_EQ(busy.run("x").output, "x");
  // That says nothing about the guest: it is tried again.
  EXPECT_TRUE(starting.parks(1));
}

TEST(InstancePoolReserve, WhatWasNeededIsNotReplacedAtOnce) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 1, .queue = 10, .memory = 1_GiB}));
  RunningGuest idle(rig, parking(1)), busy(rig, fresh());
  ASSERT_TRUE(idle.parks(1));
  for (int run = 1; run <= 5; ++run) {
    EXPECT_EQ(busy.run("x").output, "x");
    EXPECT_EQ(idle.run("x").output, "x");
    EXPECT_EQ(rig.fake().made(), 1 + 2 * run);
  }
  EXPECT_EQ(idle.parked(), 0);
}

TEST(InstancePoolReserve, WhatWasNeededIsReplacedWhenItsTimeHasCome) {
  PoolRig rig({.serve = testing::echoes()}, with_capacity({.instances = 1, .queue = 10, .memory = 1_GiB}));
  RunningGuest idle(rig, parking(1, milliseconds(1))), busy(rig, fresh());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(idle.parks(1));
    EXPECT_EQ(busy.run("x").output, "x");
  }
}

TEST(InstancePoolReserve, APoolThatFoundNoRoomFillsWhenThereIsSome) {
  HeldCalls held;
  PoolRig rig({.serve = held.serve()}, with_capacity({.instances = 1, .queue = 10, .memory = 1_GiB}));
  RunningGuest busy(rig, fresh());
  rig.on_shard([&]() -> Task<> {
    rig.start(busy, "a");
    co_await rig.until([&] { return held.count() == 1; });
  });
  RunningGuest idle(rig, parking(1, milliseconds(1)));
  rig.on_shard([&]() -> Task<> {
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 1; });
  });
  EXPECT_TRUE(idle.parks(1));
}

TEST(InstancePoolReserve, NothingIsKeptWhileARunWaits) {
  HeldCalls held;
  PoolRig rig({.reads = FakeReads::kLines, .serve = held.serve()}, with_capacity({.instances = 1, .queue = 10, .memory = 1_GiB}));
  GuestSpec looping = parking(1);
  looping.pool.max_requests = 10;
  RunningGuest loops(rig, looping), busy(rig, fresh());
  ASSERT_TRUE(loops.parks(1));
  rig.on_shard([&]() -> Task<> {
    rig.start(loops, "a");
    co_await rig.until([&] { return held.count() == 1; });
    rig.start(busy, "b");
    co_await rig.until([&] { return rig.capacity.instances.waiting() == 1; });
    held.release();
    co_await rig.until([&] { return held.count() == 1; });
    held.release();
    co_await rig.until([&] { return rig.finished.size() == 2; });
  });
  EXPECT_THAT(rig.finished, UnorderedElementsAre("a ok", "b ok"));
  EXPECT_EQ(loops.parked(), 0);
}

// How often the guest was started ahead, by shard.
struct Starts {
  testing::FakeServe note() {
    return [this](testing::FakeCall call) -> Task<RunResult> {
      if (is_started_ahead(call)) ++on[async::Shard::current().index()];
      co_return RunResult{};
    };
  }
  std::array<std::atomic<int>, 2> on{};
};

TEST(InstancePoolReserve, TheShardThatHasTheRunsGetsThePlaces) {
  Starts starts;
  PoolRig rig({.serve = testing::echoes(), .start_up = starts.note()}, {.shards = 2});
  RunningGuest guest(rig, parking(2, milliseconds(0)));
  ASSERT_TRUE(guest.parks(2));
  for (unsigned shard : {0u, 1u, 0u}) {
    int before = starts.on[shard];
    EXPECT_TRUE(testing::eventually(rig.shards, [&] {
      EXPECT_EQ(guest.run("x", shard).output, "x");
      EXPECT_LE(guest.parked(), 2);
      return starts.on[shard] >= before + 10;
    }));
    ASSERT_TRUE(guest.parks(2));
  }
}

TEST(InstancePoolReserve, WhatAShardHasUsedLatelyIsItsOwn) {
  Starts starts;
  PoolRig rig({.serve = testing::echoes(), .start_up = starts.note()}, {.shards = 2});
  RunningGuest guest(rig, parking(1, hours(1)));
  ASSERT_TRUE(guest.parks(1));
  unsigned without = starts.on[0] == 0 ? 0 : 1;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(guest.run("x", without).output, "x");
  EXPECT_EQ(starts.on[without], 0);
  EXPECT_EQ(guest.parked(), 1);
}

TEST(InstancePoolReserve, RunsAndReservesOnTwoShardsAllEndWell) {
  FakeProgram program{.reads = FakeReads::kLines, .serve = testing::echoes()};
  PoolRig rig(program, with_capacity({.instances = 4, .queue = 1000, .memory = 192_KiB}, 2));
  GuestSpec loops = parking(3, milliseconds(0)), ahead = parking(3, milliseconds(1));
  loops.pool.max_requests = 3;
  std::array<GuestSpec, 3> specs{loops, ahead, fresh()};
  std::vector<std::unique_ptr<RunningGuest>> guests;
  for (const GuestSpec& spec : specs) guests.push_back(std::make_unique<RunningGuest>(rig, spec));
  constexpr int kRuns = 100;
  std::atomic<int> good{0};
  rig.shards.run_on_each([&](async::Shard& shard) {
    for (int i = 0; i < kRuns; ++i) {
      for (auto& guest : guests) {
        async::spawn(shard, [](RunningGuest& runs, unsigned on, std::atomic<int>& ok) -> Task<> {
          RunResult result = co_await runs.run_here("n\n", on);
          if (result.outcome == Outcome::kOk && result.output == "n\n") ++ok;
        }(*guest, shard.index(), good));
      }
    }
  });
  EXPECT_TRUE(testing::eventually(rig.shards, [&] { return good == 6 * kRuns; })) << good;
  guests.clear();
  EXPECT_TRUE(rig.becomes_idle());
}

}  // namespace
}  // namespace fiso::wasm

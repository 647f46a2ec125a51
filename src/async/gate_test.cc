#include "async/gate.h"

#include <gtest/gtest.h>

#include "async/spawn.h"
#include "async/testing/run_task.h"

namespace fiso::async {
namespace {

TEST(Gate, AClosedGateAdmitsNobodyAndWaitsForThoseInside) {
  ShardSet shards(1);
  fiso::testing::run_task(shards[0], [&]() -> Task<> {
    Gate gate(shards[0].executor());
    auto pass = std::make_shared<Gate::Pass>(gate.enter());
    gate.close();
    EXPECT_FALSE(gate.enter());
    shards[0].post([pass]() { Gate::Pass leaving = std::move(*pass); });
    EXPECT_TRUE(co_await gate.wait_empty());
    EXPECT_EQ(gate.inside(), 0u);
  });
}

TEST(Gate, WaitingEndsAtTheDeadline) {
  ShardSet shards(1);
  fiso::testing::run_task(shards[0], [&]() -> Task<> {
    Gate gate(shards[0].executor());
    auto pass = gate.enter();
    EXPECT_FALSE(co_await gate.wait_empty(Clock::system().now() + std::chrono::milliseconds(1)));
  });
}

TEST(Gate, AClosingWakesAllWhoWaitForIt) {
  ShardSet shards(1);
  fiso::testing::run_task(shards[0], [&]() -> Task<> {
    Gate gate(shards[0].executor());
    int woken = 0;
    for (int i = 0; i < 3; ++i) {
      spawn(shards[0], [](Gate& closing, int& count, [[maybe_unused]] Gate::Pass pass) -> Task<> {
        if (co_await closing.wait_closed(kNever)) ++count;
      }(gate, woken, gate.enter()));
    }
    EXPECT_FALSE(co_await gate.wait_closed(Clock::system().now() + std::chrono::milliseconds(1)));
    EXPECT_EQ(woken, 0);
    gate.close();
    co_await gate.wait_empty();
    EXPECT_EQ(woken, 3);
    EXPECT_TRUE(co_await gate.wait_closed(kNever));
  });
}

}  // namespace
}  // namespace fiso::async

#include "async/gate.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fiso::async

#include "link/interceptions.h"

#include <gtest/gtest.h>

#include <utility>

#include "core/resources.h"

namespace fiso::link {
namespace {

struct Kept {
  bool is_there = true;
};

class PassesOn final : public core::Interceptor {
 public:
  Task<Result<>> process(core::Event&) override { co_return Result<>(); }
};

// Says when it goes: what it makes may refer to it, as guests' steps do.
class NotedPlan final : public core::Plan<core::Interceptor> {
 public:
  explicit NotedPlan(Kept& kept) : kept_(kept) {}
  ~NotedPlan() override { kept_.is_there = false; }
  std::unique_ptr<core::Interceptor> make(async::Shard&) const override { return std::make_unique<PassesOn>(); }

 private:
  Kept& kept_;
};

TEST(Interceptions, KeepThePlanThatTheyWereMadeBy) {
  async::ShardSet shards(1);
  observe::Metrics metrics;
  core::Resources resources;
  resources.add(shards);
  Kept kept;
  InterceptorDrafts drafts(1);
  drafts[0].prepare = [&](core::BuildContext&) -> core::Prepared<core::Interceptor> {
    return std::shared_ptr<const core::Plan<core::Interceptor>>(std::make_shared<NotedPlan>(kept));
  };
  auto plan = InterceptionPlan::prepare("a", drafts, resources, metrics, observe::Log());
  ASSERT_TRUE(plan.has_value());
  drafts.clear();
  shards.run_on(0, [&](async::Shard& shard) {
    std::shared_ptr<Interceptions> made = (*plan)->make(shard);
    plan->reset();
    EXPECT_TRUE(kept.is_there);
    made.reset();
    EXPECT_FALSE(kept.is_there);
  });
}

TEST(Interceptions, WhatWasMadeAheadIsTakenOnce) {
  async::ShardSet shards(1);
  observe::Metrics metrics;
  core::Resources resources;
  resources.add(shards);
  auto plan = InterceptionPlan::prepare("a", {}, resources, metrics, observe::Log());
  ASSERT_TRUE(plan.has_value());
  shards.run_on(0, [&](async::Shard& shard) {
    (*plan)->make_ahead(shard);
    auto taken = (*plan)->make(shard), other = (*plan)->make(shard);
    EXPECT_NE(taken, other);
    (*plan)->make_ahead(shard);
    (*plan)->drop_ahead(shard);
    taken.reset();
    other.reset();
    EXPECT_EQ(plan->use_count(), 1) << "nothing keeps it that was dropped";
  });
}

}  // namespace
}  // namespace fiso::link

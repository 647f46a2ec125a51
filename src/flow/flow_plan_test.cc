#include "flow/flow_plan.h"

#include <gtest/gtest.h>

#include "core/testing/fake_components.h"
#include "observe/testing/captured_log.h"

namespace fiso::flow {
namespace {

class FlowPlanTest : public ::testing::Test {
 protected:
  Result<std::unique_ptr<FlowPlan>> prepare(const std::string& yaml) {
    config::Errors errors;
    std::vector<FlowDraft> flows;
    load_flow(yaml, "flow.yaml", registry_, flows, errors);
    EXPECT_TRUE(errors.empty()) << errors.render();
    return FlowPlan::prepare(flows.at(0), shards_, resources_, metrics_, log_.log());
  }

  core::Registry registry_ = testing::fake_registry();
  async::ShardSet shards_{2};
  core::Resources resources_;
  observe::Metrics metrics_;
  testing::CapturedLog log_;
};

TEST_F(FlowPlanTest, EachShardGetsAReplicaOfItsOwn) {
  auto plan = prepare("name: orders\nsource: {type: http, config: {word: a}}\nsink: {type: stdout, config: {word: b}}\n");
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ((*plan)->name(), "orders");
  EXPECT_TRUE(log_.contains(R"("msg":"building flow","component":"test","name":"orders")"));
  std::vector<FlowReplica*> replicas(2);
  shards_.run_on_each([&](async::Shard& shard) {
    auto replica = (*plan)->make(shard);
    replica->start();
    replicas[shard.index()] = replica.get();
  });
  EXPECT_NE(replicas[0], nullptr);
  EXPECT_NE(replicas[1], nullptr);
}

TEST_F(FlowPlanTest, AComponentThatCannotBeBuiltNamesTheFlow) {
  for (std::string broken : {"source: {type: http, config: {word: broken}}\nsink: {type: stdout, config: {word: b}}\n",
                             "source: {type: http, config: {word: a}}\nsink: {type: stdout, config: {word: broken}}\n",
                             "source: {type: http, config: {word: a}}\nsink: {type: stdout, config: {word: b}}\n"
                             "interceptors: [{type: wasm, config: {word: broken}}]\n"}) {
    auto plan = prepare("name: orders\n" + broken);
    ASSERT_FALSE(plan.has_value());
    EXPECT_EQ(plan.error().describe(), "build pipeline orders: it is broken");
  }
}

TEST_F(FlowPlanTest, EveryComponentThatCannotBeBuiltIsTold) {
  auto plan = prepare(
      "name: orders\nsource: {type: http, config: {word: broken}}\nsink: {type: stdout, config: {word: broken}}\n"
      "interceptors: [{type: wasm, config: {word: broken}}, {type: wasm, config: {word: a}}]\n");
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().describe(),
            "build pipeline orders: it is broken\nbuild pipeline orders: it is broken\nbuild pipeline orders: it is broken");
}

}  // namespace
}  // namespace fiso::flow

// What stays, starts and stops when apps.yaml changes.
#include "apps/app_plan.h"

#include <gtest/gtest.h>

namespace fiso::apps {
namespace {

WantedApp app(const std::string& name, int64_t port = 0, const std::string& digest = "one") {
  return {{.name = name, .module = name + ".wasm", .port = port}, digest};
}

AppInForce runs(WantedApp as, uint16_t port) { return {std::move(as), port}; }

AppStep step_of(const AppPlan& plan, size_t i) { return plan.apps[i].step; }

class AppPlanTest : public ::testing::Test {
 protected:
  std::vector<AppInForce> running_{runs(app("a", 8001), 8001), runs(app("b", 8002), 8002), runs(app("given"), 9000)};
};

TEST_F(AppPlanTest, AllAreNewAtTheStart) {
  AppPlan plan = plan_apps({}, std::vector{app("a", 8001), app("given")});
  ASSERT_EQ(plan.apps.size(), 2u);
  for (const PlannedApp& planned : plan.apps) EXPECT_EQ(planned.step, AppStep::kAdded);
  EXPECT_EQ(plan.apps[0].port, 8001);
  EXPECT_EQ(plan.apps[1].port, 0);
  EXPECT_TRUE(plan.removed.empty());
}

TEST_F(AppPlanTest, WhatIsTheSameStaysWhateverTheOrder) {
  AppPlan plan = plan_apps(running_, std::vector{app("given"), app("b", 8002), app("a", 8001)});
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(step_of(plan, i), AppStep::kStays);
    EXPECT_EQ(plan.apps[i].before, 2 - i);
    EXPECT_EQ(plan.apps[i].port, running_[2 - i].port);
  }
  EXPECT_TRUE(plan.removed.empty());
}

TEST_F(AppPlanTest, OneWhoseConfigurationOrModuleChangedIsReplaced) {
  WantedApp with_env = app("a", 8001);
  with_env.config.env["TOKEN"] = Secret("new");
  WantedApp with_network = app("b", 8002);
  with_network.config.network.emplace().mode = GuestNetwork::Mode::kNone;
  AppPlan plan = plan_apps(running_, std::vector{with_env, with_network, app("given", 0, "two")});
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(step_of(plan, i), AppStep::kReplaced);
  EXPECT_EQ(plan.apps[2].port, 9000) << "with the port that it was given";
}

TEST_F(AppPlanTest, OneThatIsNotNamedAnyMoreIsRemoved) {
  AppPlan plan = plan_apps(running_, std::vector{app("b", 8002), app("new", 8001)});
  EXPECT_EQ(step_of(plan, 0), AppStep::kStays);
  EXPECT_EQ(step_of(plan, 1), AppStep::kAdded);
  EXPECT_EQ(plan.apps[1].port, 8001) << "which is that of one that goes";
  EXPECT_EQ(plan.removed, (std::vector<size_t>{0, 2}));
}

TEST_F(AppPlanTest, TwoThatSwapTheirPortsAreBothReplaced) {
  AppPlan plan = plan_apps(running_, std::vector{app("a", 8002), app("b", 8001), app("given")});
  EXPECT_EQ(step_of(plan, 0), AppStep::kReplaced);
  EXPECT_EQ(step_of(plan, 1), AppStep::kReplaced);
  EXPECT_EQ(step_of(plan, 2), AppStep::kStays);
}

TEST_F(AppPlanTest, APortThatAnotherNamesNowIsGivenUp) {
  AppPlan plan = plan_apps(running_, std::vector{app("given"), app("a", 9000)});
  EXPECT_EQ(step_of(plan, 0), AppStep::kReplaced);
  EXPECT_EQ(plan.apps[0].port, 0) << "another is to be found";
  WantedApp listens = app("a", 8001);
  listens.config.network.emplace().listen = {9000};
  plan = plan_apps(running_, std::vector{app("given"), listens});
  EXPECT_EQ(plan.apps[0].port, 0);
}

TEST_F(AppPlanTest, OneThatNamesThePortItWasGivenOrItsAddressIsReplaced) {
  AppPlan plan = plan_apps(running_, std::vector{app("given", 9000)});
  EXPECT_EQ(step_of(plan, 0), AppStep::kReplaced);
  EXPECT_EQ(plan.apps[0].port, 9000);
  WantedApp elsewhere = app("given");
  elsewhere.config.listen_addr = "0.0.0.0";
  plan = plan_apps(running_, std::vector{elsewhere});
  EXPECT_EQ(step_of(plan, 0), AppStep::kReplaced);
  EXPECT_EQ(plan.apps[0].port, 0) << "a port is free at an address";
}

TEST_F(AppPlanTest, OneThatGivesUpItsOwnPortIsGivenOne) {
  AppPlan plan = plan_apps(running_, std::vector{app("a")});
  EXPECT_EQ(step_of(plan, 0), AppStep::kReplaced);
  EXPECT_EQ(plan.apps[0].port, 0);
}

TEST(AppGroups, ThoseThatNameAnAddressInCommonAreOfOneGroup) {
  using Members = std::vector<std::vector<std::string>>;
  EXPECT_EQ(group_by_addresses(Members{}), (std::vector<size_t>{}));
  EXPECT_EQ(group_by_addresses(Members{{"1"}, {"2"}, {}}), (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(group_by_addresses(Members{{"1", "2"}, {"3"}, {"2", "1"}}), (std::vector<size_t>{0, 1, 0}));
  EXPECT_EQ(group_by_addresses(Members{{"1"}, {"2"}, {"5"}, {"3", "2"}, {"1", "3"}}), (std::vector<size_t>{0, 0, 1, 0, 0}));
}

}  // namespace
}  // namespace fiso::apps

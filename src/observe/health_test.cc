#include "observe/health.h"

#include <gtest/gtest.h>

namespace fiso::observe {
namespace {

TEST(Health, IsReadyWhenEveryConditionHolds) {
  Health health({"listeners", "modules"});
  EXPECT_FALSE(health.ready());
  EXPECT_EQ(health.readiness().status, 503);
  EXPECT_EQ(health.readiness().body, "{\"status\":\"not ready\",\"waiting_for\":[\"listeners\",\"modules\"]}\n");
  health.set_ready("modules");
  EXPECT_EQ(health.readiness().body, "{\"status\":\"not ready\",\"waiting_for\":[\"listeners\"]}\n");
  health.set_ready("listeners");
  EXPECT_TRUE(health.ready());
  EXPECT_EQ(health.readiness().status, 200);
  EXPECT_EQ(health.readiness().body, "{\"status\":\"ready\"}\n");
}

TEST(Health, ReadinessCanBeLostAndRegained) {
  Health health({"sink"});
  health.set_ready("sink");
  health.set_not_ready("sink");
  EXPECT_FALSE(health.ready());
  health.set_ready("sink");
  EXPECT_TRUE(health.ready());
}

TEST(Health, ANewConditionIsAdded) {
  Health health({"listeners"});
  health.set_ready("listeners");
  health.set_not_ready("store \"a\"");
  EXPECT_EQ(health.readiness().body, "{\"status\":\"not ready\",\"waiting_for\":[\"store \\\"a\\\"\"]}\n");
}

TEST(Health, ADrainingProcessIsAliveButNotReadyForGood) {
  Health health({"listeners"});
  health.set_ready("listeners");
  health.start_draining();
  health.set_ready("listeners");
  EXPECT_FALSE(health.ready());
  EXPECT_EQ(health.readiness().body, "{\"status\":\"not ready\",\"waiting_for\":[\"drain\"]}\n");
  EXPECT_EQ(health.liveness().status, 200);
  EXPECT_EQ(health.liveness().body, "{\"status\":\"ok\"}\n");
}

}  // namespace
}  // namespace fiso::observe

// The states of an app and its door.
#include "apps/app_state.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"
#include "observe/testing/captured_log.h"

namespace fiso::apps {
namespace {

class AppStateTest : public ::testing::Test {
 protected:
  ::fiso::testing::CapturedLog log_;
  observe::Metrics metrics_;
  observe::SeriesGroup series_{metrics_, {{"app", "a"}}};
  observe::Gauge& healthy_ = series_.gauge("fiso_app_healthy", "1 while the app is healthy.");
  AppState state_{log_.log(), StateGauges(series_)};
};

TEST_F(AppStateTest, TheGaugeFollowsHealth) {
  state_.set(State::kStarting);
  EXPECT_EQ(healthy_.value(), 0);
  state_.set(State::kHealthy);
  EXPECT_EQ(healthy_.value(), 1);
  state_.set(State::kUnhealthy);
  EXPECT_EQ(healthy_.value(), 0);
}

TEST_F(AppStateTest, OneOfTheStatesIsTheOneItIsIn) {
  auto now_in = [this](const char* state) {
    return series_.gauge("fiso_app_state", "1 for the state that the app is in.", {{"state", state}}).value();
  };
  for (State state : {State::kStarting, State::kHealthy, State::kUnhealthy, State::kStopping, State::kStopped}) {
    state_.set(state);
    for (const char* name : {"stopped", "starting", "healthy", "unhealthy", "stopping"})
      EXPECT_EQ(now_in(name), to_string(state) == name ? 1 : 0) << name;
  }
}

TEST_F(AppStateTest, AProbeThatEndsAfterTheStopBeganChangesNothing) {
  state_.set(State::kStarting);
  state_.set(State::kStopping);
  for (State late : {State::kHealthy, State::kUnhealthy}) {
    state_.set(late);
    EXPECT_EQ(state_.get(), State::kStopping);
    EXPECT_EQ(healthy_.value(), 0);
  }
  async::ShardSet shards(1);
  EXPECT_FALSE(::fiso::testing::run_task(shards[0], [&] { return state_.enter(); })) << "the door stays shut";
  state_.set(State::kStopped);
  EXPECT_EQ(state_.get(), State::kStopped);
}

TEST_F(AppStateTest, OfTwoThatReplaceEachOtherOneMovesTheGauge) {
  AppState next(log_.log(), StateGauges(series_), Shown::kNo);
  state_.set(State::kHealthy);
  next.set(State::kStarting);
  EXPECT_EQ(healthy_.value(), 1);
  next.set(State::kHealthy);
  state_.show(Shown::kNo);
  next.show(Shown::kYes);
  state_.set(State::kStopping);
  EXPECT_EQ(healthy_.value(), 1);
  next.set(State::kUnhealthy);
  EXPECT_EQ(healthy_.value(), 0);
}

TEST_F(AppStateTest, AStoppedAppMayStartAgain) {
  for (State next : {State::kStarting, State::kHealthy, State::kStopping, State::kStopped, State::kStarting}) state_.set(next);
  EXPECT_EQ(state_.get(), State::kStarting);
}

}  // namespace
}  // namespace fiso::apps

#include "server/apps_start_report.h"

#include <gtest/gtest.h>

#include <memory>

namespace fiso::server {
namespace {

using apps::State;
using std::chrono::seconds;

class AppsStartReportTest : public ::testing::Test {
 protected:
  // What is said when all are like this, so long after their start.
  std::string said(std::vector<apps::AppStatus> all, Duration after = seconds(0)) {
    for (apps::AppStatus& app : all) {
      app.host = "127.0.0.1";
      app.port = 9000;
      app.start_timeout = seconds(60);
    }
    std::rewind(out_.get());
    again_ = report_.look(all, MonotonicTime(), MonotonicTime() + after).has_value();
    long size = std::ftell(out_.get());
    std::string text(static_cast<size_t>(size), 0);
    std::rewind(out_.get());
    text.resize(std::fread(text.data(), 1, text.size(), out_.get()));
    return text;
  }

  std::unique_ptr<std::FILE, decltype(&std::fclose)> out_{std::tmpfile(), &std::fclose};
  AppsStartReport report_{out_.get()};
  bool again_ = true;
};

TEST_F(AppsStartReportTest, AnAppRunsOnceItIsHealthyAndTheLastLineComesLast) {
  EXPECT_EQ(said({{.name = "a", .state = State::kStarting}, {.name = "b", .state = State::kHealthy}}),
            "App b running at 127.0.0.1:9000\n");
  EXPECT_EQ(said({{.name = "a", .state = State::kStarting}, {.name = "b", .state = State::kHealthy}}), "");
  EXPECT_EQ(said({{.name = "a", .state = State::kHealthy}, {.name = "b", .state = State::kUnhealthy}}),
            "App a running at 127.0.0.1:9000\nPress Ctrl+C to stop\n");
  EXPECT_FALSE(again_);
}

TEST_F(AppsStartReportTest, AStartThatFailsIsToldAndSoIsThatItWorkedInTheEnd) {
  EXPECT_EQ(said({{.name = "a", .state = State::kStarting, .restarts = 2}, {.name = "b", .state = State::kStopped}}),
            "App a is not healthy: starting\nApp b is not healthy: stopped\nPress Ctrl+C to stop\n");
  EXPECT_TRUE(again_);
  EXPECT_EQ(said({{.name = "a", .state = State::kHealthy}, {.name = "b", .state = State::kStopped}}),
            "App a running at 127.0.0.1:9000\n");
}

TEST_F(AppsStartReportTest, ItWaitsAsLongAsAStartMayTake) {
  EXPECT_EQ(said({{.name = "a", .state = State::kStarting, .restarts = 1}}, seconds(59)), "");
  EXPECT_EQ(said({{.name = "a", .state = State::kStarting}}, seconds(60)),
            "App a is not healthy: starting\nPress Ctrl+C to stop\n");
}

TEST_F(AppsStartReportTest, WithoutAppsThereIsNothingToWaitFor) {
  EXPECT_EQ(said({}), "Press Ctrl+C to stop\n");
  EXPECT_FALSE(again_);
}

}  // namespace
}  // namespace fiso::server

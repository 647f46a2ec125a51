#include "server/control_events.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fiso::server {
namespace {

constexpr std::chrono::hours kLong{1};

class ControlEventsTest : public ::testing::Test {
 protected:
  ControlEventsTest() : events_(ControlEvents::make().value()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-control-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~ControlEventsTest() override { std::filesystem::remove_all(directory_); }

  ControlEvents events_;
  std::string directory_;
};

TEST_F(ControlEventsTest, NothingHappensAtFirst) { EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone); }

TEST_F(ControlEventsTest, SignalsStopOrReload) {
  for (auto [signal, event] : {std::pair(SIGTERM, ControlEvent::kStop), std::pair(SIGINT, ControlEvent::kStop),
                               std::pair(SIGHUP, ControlEvent::kReload)}) {
    kill(getpid(), signal);
    EXPECT_EQ(events_.wait(kLong), event);
    EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
  }
}

TEST_F(ControlEventsTest, AStopGoesBeforeAReload) {
  events_.request_reload();
  kill(getpid(), SIGTERM);
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kStop);
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
}

TEST_F(ControlEventsTest, AStopIsRequestedUntilItIsTold) {
  StopRequest stop = events_.stop_request();
  EXPECT_FALSE(stop.made());
  events_.request_reload();
  kill(getpid(), SIGHUP);
  EXPECT_FALSE(stop.made()) << "a reload is no stop";
  kill(getpid(), SIGTERM);
  EXPECT_TRUE(stop.made());
  EXPECT_TRUE(stop.made()) << "asking takes nothing away";
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kStop);
  EXPECT_FALSE(stop.made());
  EXPECT_FALSE(StopRequest().made());
}

TEST_F(ControlEventsTest, RequestsMeanwhileAreOne) {
  for (int i = 0; i < 5; ++i) events_.request_reload();
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
}

TEST_F(ControlEventsTest, ABurstOfChangesIsOneEvent) {
  ASSERT_TRUE(events_.watch(directory_).has_value());
  for (int i = 0; i < 20; ++i) std::ofstream(directory_ + "/flow" + std::to_string(i) + ".yaml") << "x";
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
}

TEST_F(ControlEventsTest, EachKindOfChangeIsSeen) {
  std::string file = directory_ + "/a.yaml", other = directory_ + "/b.yaml";
  ASSERT_TRUE(events_.watch(directory_).has_value());
  std::ofstream(file) << "x";
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  std::filesystem::rename(file, other);
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  std::filesystem::remove(other);
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  std::filesystem::create_symlink("/nowhere", other);  // as Kubernetes does it
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
}

TEST_F(ControlEventsTest, ADirectoryThatIsMissingCannotBeWatched) {
  auto watched = events_.watch(directory_ + "/missing");
  ASSERT_FALSE(watched.has_value());
  EXPECT_EQ(watched.error().message(), "No such file or directory");
  events_.request_reload();
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
}

}  // namespace
}  // namespace fiso::server

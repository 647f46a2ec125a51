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

// A directory in the test's own, so that it can be replaced, and a file written into whatever is there now.
class ReplacedDirectoryTest : public ControlEventsTest {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(flows_);
    ASSERT_TRUE(events_.watch(flows_).has_value());
  }
  void write(const std::string& directory) { std::ofstream(directory + "/a.yaml") << "x"; }
  // Waits for a reload; there may be a look for the directory, which finds nothing, before.
  void expect_reload() {
    ControlEvent event = ControlEvent::kNone;
    while (event == ControlEvent::kNone) event = events_.wait(kLong);
    EXPECT_EQ(event, ControlEvent::kReload);
    EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
  }
  void expect_watched() {
    write(flows_);
    expect_reload();
  }

  std::string flows_ = directory_ + "/flows", other_ = directory_ + "/other";
};

TEST_F(ReplacedDirectoryTest, AnotherOfItsNameIsWatched) {
  std::filesystem::create_directory(other_);
  std::filesystem::rename(flows_, directory_ + "/old");
  std::filesystem::rename(other_, flows_);
  expect_reload();
  expect_watched();
  write(directory_ + "/old");
  EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone) << "the old one is still watched";
}

TEST_F(ReplacedDirectoryTest, OneThatIsRemovedAndMadeAgainIsWatched) {
  write(flows_);
  std::filesystem::remove_all(flows_);
  std::filesystem::create_directory(flows_);
  expect_reload();
  expect_watched();
}

TEST_F(ReplacedDirectoryTest, OneThatComesBackLaterIsRead) {
  std::filesystem::remove_all(flows_);
  expect_reload();
  EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
  std::filesystem::create_directory(flows_);
  expect_reload();
  expect_watched();
}

TEST_F(ReplacedDirectoryTest, OneWhoseParentIsReplacedTooComesBack) {
  std::string parent = directory_ + "/parent", inner = parent + "/flows";
  std::filesystem::create_directories(inner);
  ControlEvents events = ControlEvents::make().value();
  ASSERT_TRUE(events.watch(inner).has_value());
  std::filesystem::remove_all(parent);
  EXPECT_EQ(events.wait(kLong), ControlEvent::kReload);
  std::filesystem::create_directories(inner);
  ControlEvent event = ControlEvent::kNone;
  while (event == ControlEvent::kNone) event = events.wait(kLong);
  EXPECT_EQ(event, ControlEvent::kReload);
}

TEST_F(ReplacedDirectoryTest, ALinkToItIsFollowedToWhereItLeadsNow) {
  std::string link = directory_ + "/current";
  std::filesystem::create_directory(other_);
  std::filesystem::create_directory_symlink(flows_, link);
  ControlEvents events = ControlEvents::make().value();
  ASSERT_TRUE(events.watch(link + "/").has_value());
  std::filesystem::create_directory_symlink(other_, directory_ + "/next");
  std::filesystem::rename(directory_ + "/next", link);  // as `ln -sfn` and Kubernetes do it
  EXPECT_EQ(events.wait(kLong), ControlEvent::kReload);
  write(other_);
  EXPECT_EQ(events.wait(kLong), ControlEvent::kReload);
}

TEST_F(ReplacedDirectoryTest, WhatHappensBesideItIsNoChange) {
  std::filesystem::create_directory(other_);
  write(other_);
  write(directory_);
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kNone);
}

TEST_F(ControlEventsTest, ADirectoryThatIsMissingCannotBeWatched) {
  auto watched = events_.watch(directory_ + "/missing");
  ASSERT_FALSE(watched.has_value());
  EXPECT_EQ(watched.error().message(), "No such file or directory");
  events_.request_reload();
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
}

TEST_F(ControlEventsTest, AChangeConcernsWhoWatchesItAndARequestEverybody) {
  std::string other = directory_ + "/other";
  std::filesystem::create_directories(other);
  auto first = events_.watch_file(directory_ + "/first.yaml"), second = events_.watch(other);
  ASSERT_TRUE(first.has_value() && second.has_value());
  std::ofstream(other + "/flow.yaml") << "x";
  ASSERT_EQ(events_.wait(kLong), ControlEvent::kReload);
  EXPECT_FALSE(events_.concerns(*first));
  EXPECT_TRUE(events_.concerns(*second));
  EXPECT_FALSE(events_.concerns(std::nullopt)) << "what is not watched";
  events_.request_reload();
  ASSERT_EQ(events_.wait(kLong), ControlEvent::kReload);
  EXPECT_TRUE(events_.concerns(*first) && events_.concerns(*second) && events_.concerns(std::nullopt));
}

class WatchedFile : public ControlEventsTest {
 protected:
  WatchedFile() {
    write("apps.yaml", "x");
    EXPECT_TRUE(events_.watch_file(path("apps.yaml")).has_value());
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
};

TEST_F(WatchedFile, EachWayToChangeItIsSeen) {
  write("apps.yaml", "in place");
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  write("new", "renamed over it");
  std::filesystem::rename(path("new"), path("apps.yaml"));
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  std::filesystem::remove(path("apps.yaml"));
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  write("apps.yaml", "there again");
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  EXPECT_EQ(events_.wait(Duration(0)), ControlEvent::kNone);
}

TEST_F(WatchedFile, ItsNeighboursDoNotCount) {
  write("log.txt", "x");
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kNone) << "woken, and nothing to do";
}

TEST_F(WatchedFile, WhatALinkLeadsToCounts) {
  std::filesystem::create_directories(path("1"));
  std::filesystem::create_directories(path("2"));
  write("1/apps.yaml", "one");
  write("2/apps.yaml", "other");
  std::filesystem::create_symlink("1", path("..data"));
  std::filesystem::create_symlink("..data/apps.yaml", path("link"));
  std::filesystem::rename(path("link"), path("apps.yaml"));
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  write("1/apps.yaml", "in place, elsewhere");
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
  std::filesystem::create_symlink("2", path("next"));
  std::filesystem::rename(path("next"), path("..data"));
  EXPECT_EQ(events_.wait(kLong), ControlEvent::kReload);
}

}  // namespace
}  // namespace fiso::server

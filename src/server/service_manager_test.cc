#include "server/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <semaphore>

#include "base/testing/manual_clock.h"

namespace fiso::server {
namespace {

using std::chrono::seconds;

// What systemd is here: a socket that datagrams arrive at.
class ServiceManagerTest : public ::testing::Test {
 protected:
  ServiceManagerTest() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-notify-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/notify";
    listen_at(socket_, path_, path_.size() + 1);
  }
  ~ServiceManagerTest() override { std::filesystem::remove_all(directory_); }

  static void listen_at(const FileHandle& socket, const std::string& path, size_t length) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::memcpy(address.sun_path, path.data(), path.size());
    auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0) << errno_text(errno);
  }

  // The datagram that has arrived; empty: none.
  static std::string told(const FileHandle& socket) {
    std::array<char, 512> text;
    ssize_t got = ::recv(socket.get(), text.data(), text.size(), MSG_DONTWAIT);
    return got > 0 ? std::string(text.data(), static_cast<size_t>(got)) : "";
  }
  std::string told() const { return told(socket_); }

  FileHandle socket_;
  std::string directory_, path_;
};

TEST_F(ServiceManagerTest, StatesAreToldInTheWordsOfTheProtocol) {
  ServiceManager manager({.socket = path_});
  EXPECT_EQ(told(), "");
  manager.ready();
  EXPECT_EQ(told(), "READY=1\nSTATUS=serving");
  manager.reloading();
  EXPECT_TRUE(told().starts_with("RELOADING=1\nSTATUS=reading the configuration\nMONOTONIC_USEC="));
  manager.stopping();
  EXPECT_EQ(told(), "STOPPING=1\nSTATUS=finishing what is under way");
}

TEST_F(ServiceManagerTest, AnAbstractNameIsReachedToo) {
  std::string name = "@fiso-notify-" + std::to_string(getpid()), bound = name;
  bound.front() = '\0';
  FileHandle other(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  listen_at(other, bound, bound.size());
  ServiceManager({.socket = name}).ready();
  EXPECT_EQ(told(other), "READY=1\nSTATUS=serving");
}

TEST_F(ServiceManagerTest, WhoDoesNotListenIsNotTold) {
  ServiceManager({.socket = ""}).ready();
  ServiceManager({.socket = directory_ + "/nobody"}).ready();
  ServiceManager({.socket = std::string(500, 'x')}).ready();
  EXPECT_EQ(told(), "");
}

TEST_F(ServiceManagerTest, TheEnvironmentIsReadAndLeftWithoutIt) {
  setenv("NOTIFY_SOCKET", path_.c_str(), 1);
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  auto options = ServiceManager::of_environment();
  EXPECT_EQ(options.socket, path_);
  EXPECT_EQ(options.watchdog, seconds(30));
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) EXPECT_EQ(std::getenv(name), nullptr);
  EXPECT_EQ(ServiceManager::of_environment().socket, "");
}

TEST_F(ServiceManagerTest, AWatchdogOfAnotherProcessOrWithoutANumberIsNone) {
  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(ServiceManager::of_environment().watchdog, Duration::zero());
  for (const char* every : {"", "-1", "3x", "0"}) {
    setenv("WATCHDOG_USEC", every, 1);
    EXPECT_EQ(ServiceManager::of_environment().watchdog, Duration::zero()) << every;
  }
}

TEST_F(ServiceManagerTest, SignsOfLifeComeThreeTimesAsOftenAsTheyAreExpected) {
  testing::ManualClock clock;
  async::ShardSet shards(2);
  ServiceManager manager({.socket = path_, .watchdog = seconds(30)}, clock);
  manager.look(shards);  // asks the shards
  shards.run_on_each([](async::Shard&) {});
  told();  // one that may have come already
  for (int i = 0; i < 3; ++i) {
    clock.advance(seconds(10));
    manager.look(shards);
    EXPECT_EQ(told(), "WATCHDOG=1");
    shards.run_on_each([](async::Shard&) {});
    EXPECT_LE(manager.look(shards), seconds(10));
    EXPECT_EQ(told(), "") << "none is due";
  }
}

TEST_F(ServiceManagerTest, AShardThatHangsIsNoSignOfLife) {
  testing::ManualClock clock;
  async::ShardSet shards(2);
  std::binary_semaphore hangs(0);
  ServiceManager manager({.socket = path_, .watchdog = seconds(30)}, clock);
  shards[1].post([&] { hangs.acquire(); });
  for (int i = 0; i < 5; ++i) {
    manager.look(shards);
    EXPECT_EQ(told(), "");
    clock.advance(seconds(10));
  }
  hangs.release();
  shards.run_on_each([](async::Shard&) {});
  manager.look(shards);
  EXPECT_EQ(told(), "WATCHDOG=1");
}

TEST_F(ServiceManagerTest, AReloadHasMorePatienceAndThenTheOldOneAgain) {
  ServiceManager manager({.socket = path_, .watchdog = seconds(30)});
  manager.reloading();
  EXPECT_TRUE(told().ends_with("\nWATCHDOG_USEC=300000000"));
  manager.ready();
  EXPECT_EQ(told(), "READY=1\nSTATUS=serving\nWATCHDOG_USEC=30000000\nWATCHDOG=1");
}

}  // namespace
}  // namespace fiso::server

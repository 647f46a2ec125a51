// Worker processes may die at any moment, of anything: no run after that notices.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "wasm/worker/testing/worker_under_test.h"

namespace fiso::wasm::testing {
namespace {

// What /proc knows of a process, as far as it matters here; nothing if there is none.
struct Process {
  std::string state;
  pid_t parent = 0;
  int64_t ticks = 0;  // that it has computed, 10 ms each
  int threads = 0;
};
std::optional<Process> find_process(const std::string& pid) {
  std::ifstream stat("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(stat, line)) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  Process process;
  fields >> process.state >> process.parent;
  std::string skipped;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  fields >> process.ticks;
  for (int i = 0; i < 5; ++i) fields >> skipped;
  fields >> process.threads;
  return process;
}

// Zombies are none.
std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string name = entry.path().filename();
    auto process = find_process(name);
    if (process.has_value() && process->parent == parent && process->state != "Z") found.push_back(std::stoi(name));
  }
  return found;
}

class WorkerCrashTest : public ::testing::Test {
 protected:
  // The one fork server. The compiler, another child, may just be ending.
  pid_t server() {
    std::vector<pid_t> found;
    EXPECT_TRUE(eventually(rig_.shards, [&] { return (found = children_of(getpid())).size() == 1; }));
    return found.front();
  }
  void end(pid_t pid) {
    kill(pid, SIGKILL);
    EXPECT_TRUE(eventually(rig_.shards, [&] { return is_gone(pid); }));
  }
  void end_server() {
    pid_t pid = server();
    std::vector<pid_t> guests = children_of(pid);
    end(pid);
    for (pid_t guest : guests) EXPECT_TRUE(eventually(rig_.shards, [&] { return is_gone(guest); }));
  }
  // A zombie is, once its other threads are: they hold its sockets as well.
  static bool is_gone(pid_t pid) {
    auto process = find_process(std::to_string(pid));
    return !process.has_value() || (process->state == "Z" && process->threads <= 1);
  }
  // For longer than any start takes.
  static bool computes(pid_t pid) {
    auto process = find_process(std::to_string(pid));
    return process.has_value() && process->ticks > 30;
  }
  static void expect_answers(RunningGuest& guest) { EXPECT_EQ(verdict(guest.run(envelope("42"))), "ok"); }

  Rig rig_{worker::testing::make_worker, {}};
};

TEST_F(WorkerCrashTest, GuestsThatStoodParkedWhenTheirForkServerDiedAreNotUsed) {
  RunningGuest guest(rig_, {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 2}});
  ASSERT_TRUE(guest.parks(2));
  end_server();
  expect_answers(guest);
  EXPECT_TRUE(guest.parks(2));
}

TEST_F(WorkerCrashTest, AGuestThatDiedWhileItStoodParkedIsNotUsed) {
  RunningGuest guest(rig_, {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 1}});
  ASSERT_TRUE(guest.parks(1));
  end(children_of(server()).front());
  expect_answers(guest);
}

TEST_F(WorkerCrashTest, AForkServerThatDiesTwiceWithinASecondIsWaitedFor) {
  RunningGuest guest(rig_, {.module = "passthrough"});
  for (int i = 0; i < 3; ++i) {
    end_server();
    expect_answers(guest);
  }
}

TEST_F(WorkerCrashTest, APoolIsFullAgainAfterItsForkServerDied) {
  RunningGuest guest(rig_, {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 2}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.parks(2));
    end_server();
    expect_answers(guest);
  }
  EXPECT_TRUE(guest.parks(2));
}

// A guest that is stopped cannot read what it is given.
TEST_F(WorkerCrashTest, InputThatADyingGuestDidNotReadIsGivenToAnother) {
  RunningGuest guest(rig_, {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 1}});
  for (bool with_server : {false, true}) {
    ASSERT_TRUE(guest.parks(1));
    pid_t fork_server = server(), parked = children_of(fork_server).front();
    kill(parked, SIGSTOP);
    std::thread killer([&] {
      EXPECT_TRUE(eventually(rig_.shards, [&] { return guest.parked() == 0; }));  // it has been given the input
      kill(with_server ? fork_server : parked, SIGKILL);
    });
    expect_answers(guest);
    killer.join();
    EXPECT_TRUE(eventually(rig_.shards, [&] { return is_gone(parked); }));
  }
}

TEST_F(WorkerCrashTest, InputOfAGuestThatIsNotEvenMadeIsGivenToAnother) {
  RunningGuest guest(rig_, {.module = "passthrough"});
  pid_t fork_server = server();
  kill(fork_server, SIGSTOP);
  std::thread killer([&] {
    EXPECT_TRUE(eventually(rig_.shards, [&] { return guest.instances() == 1; }));
    kill(fork_server, SIGKILL);
  });
  expect_answers(guest);
  killer.join();
}

TEST_F(WorkerCrashTest, InputThatADyingGuestHasReadIsNotGivenToAnother) {
  RunningGuest guest(rig_, {.module = "reads_then_hangs"});
  std::thread killer([&] {
    std::vector<pid_t> guests;
    EXPECT_TRUE(eventually(rig_.shards, [&] { return !(guests = children_of(server())).empty() && computes(guests[0]); }));
    kill(guests[0], SIGKILL);
  });
  RunResult result = guest.run(envelope("42"));
  killer.join();
  EXPECT_TRUE(result.died);
  EXPECT_EQ(result.unread, 0u);
}

}  // namespace
}  // namespace fiso::wasm::testing

// Arguments, environment, clocks, randomness, the end of the process, and sockets that are none.
#include <gtest/gtest.h>

#include <set>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FakeGuest;
using testing::host_function;

GuestOptions with_strings() { return {.args = {"guest", "--flag", ""}, .env = {{"LANG", "C"}, {"EMPTY", ""}}}; }

TEST(Process, ArgumentsAreHandedOutInOrder) {
  FakeGuest fake(with_strings());
  GuestPointer count = fake.room(4), bytes = fake.room(4);
  ASSERT_EQ(fake.call("args_sizes_get", {count, bytes}), Errno::kSuccess);
  ASSERT_EQ(fake.get<uint32_t>(count), 3u);
  ASSERT_EQ(fake.get<uint32_t>(bytes), 14u);
  GuestPointer array = fake.room(12), buffer = fake.room(14);
  ASSERT_EQ(fake.call("args_get", {array, buffer}), Errno::kSuccess);
  EXPECT_EQ(fake.text(buffer, 14), std::string("guest\0--flag\0\0", 14));
  EXPECT_EQ(fake.get<uint32_t>(array + 4), buffer + 6);
  EXPECT_EQ(fake.get<uint32_t>(array + 8), buffer + 13);
}

TEST(Process, TheEnvironmentIsOnlyWhatWasConfigured) {
  FakeGuest fake(with_strings());
  GuestPointer array = fake.room(8), buffer = fake.room(14);
  ASSERT_EQ(fake.call("environ_sizes_get", {array, buffer}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint32_t>(array), 2u);
  EXPECT_EQ(fake.get<uint32_t>(buffer), 14u);
  ASSERT_EQ(fake.call("environ_get", {array, buffer}), Errno::kSuccess);
  EXPECT_EQ(fake.text(buffer, 14), std::string("LANG=C\0EMPTY=\0", 14));
}

TEST(Process, StringsThatDoNotFitIntoMemoryAreFaults) {
  FakeGuest fake(with_strings());
  EXPECT_EQ(fake.call("args_get", {FakeGuest::kEnd - 11, 64}), Errno::kFault);
  EXPECT_EQ(fake.call("args_get", {64, FakeGuest::kEnd - 13}), Errno::kFault);
  EXPECT_EQ(fake.call("args_get", {64, 0xFFFF'FFFF}), Errno::kFault);
  EXPECT_EQ(fake.call("environ_sizes_get", {64, FakeGuest::kEnd - 3}), Errno::kFault);
}

TEST(Process, AStringWithANulIsRefused) {
  using std::string_literals::operator""s;
  EXPECT_FALSE(GuestConfig::open({.args = {"a\0b"s}}).has_value());
  EXPECT_FALSE(GuestConfig::open({.env = {{"A", "b\0c"s}}}).has_value());
}

TEST(Process, ExitEndsTheGuestWithItsCode) {
  FakeGuest fake;
  EXPECT_EQ(fake.guest.exit_code(), std::nullopt);
  EXPECT_TRUE(fake.start("proc_exit", {255}).exits());
  EXPECT_EQ(fake.guest.exit_code(), 255u);
}

TEST(Process, ThereAreNoSignalsAndYieldingIsFree) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("proc_raise", {9}), Errno::kNosys);
  EXPECT_EQ(fake.call("sched_yield", {}), Errno::kSuccess);
}

TEST(Clocks, AreTheHosts) {
  FakeGuest fake;
  GuestPointer at = fake.room(8);
  ASSERT_EQ(fake.call("clock_time_get", {clockid::kRealtime, 1, at}), Errno::kSuccess);
  EXPECT_EQ(fake.get<int64_t>(at), fake.clock.wall_now().time_since_epoch().count());
  ASSERT_EQ(fake.call("clock_time_get", {clockid::kMonotonic, 1, at}), Errno::kSuccess);
  EXPECT_EQ(fake.get<int64_t>(at), Duration(fake.clock.now().time_since_epoch()).count());
  ASSERT_EQ(fake.call("clock_res_get", {clockid::kMonotonic, at}), Errno::kSuccess);
  EXPECT_GT(fake.get<uint64_t>(at), 0u);
}

TEST(Clocks, OthersAreErrors) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("clock_time_get", {clockid::kProcessCputime, 1, 64}), Errno::kNotsup);
  EXPECT_EQ(fake.call("clock_res_get", {clockid::kThreadCputime, 64}), Errno::kNotsup);
  EXPECT_EQ(fake.call("clock_time_get", {77, 1, 64}), Errno::kInval);
  EXPECT_EQ(fake.call("clock_time_get", {0, 1, FakeGuest::kEnd - 7}), Errno::kFault);
  EXPECT_EQ(fake.call("clock_res_get", {0, 0xFFFF'FFFC}), Errno::kFault);
}

TEST(Random, DiffersFromCallToCall) {
  FakeGuest fake;
  std::set<std::string> seen;
  for (int i = 0; i < 16; ++i) {
    ASSERT_EQ(fake.call("random_get", {64, 16}), Errno::kSuccess);
    seen.insert(fake.text(64, 16));
  }
  EXPECT_EQ(seen.size(), 16u);
}

TEST(Random, FillsAsMuchAsThereIsMemoryInTurns) {
  FakeGuest fake;
  constexpr uint32_t kAll = FakeGuest::kMemory - 64;
  EXPECT_EQ(fake.call("random_get", {64, 256}), Errno::kSuccess);
  EXPECT_EQ(fake.turns, 0) << "what guests ask for is done at once";
  EXPECT_EQ(fake.call("random_get", {64, kAll}), Errno::kSuccess);
  EXPECT_EQ(fake.turns, 8);
  for (uint32_t at = 64; at + 4096 <= kAll; at += 4096)
    ASSERT_NE(fake.text(at, 32), std::string(32, '\0')) << "every part, from " << at;
  EXPECT_NE(fake.text(FakeGuest::kEnd - 32, 32), std::string(32, '\0')) << "up to the end";
  EXPECT_EQ(fake.call("random_get", {64, 1u << 30}), Errno::kFault);
  EXPECT_EQ(fake.call("random_get", {FakeGuest::kEnd - 8, 16}), Errno::kFault);
  EXPECT_EQ(fake.call("random_get", {FakeGuest::kEnd, 0}), Errno::kSuccess);
}

TEST(Sockets, NothingIsOne) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("sock_accept", {1, 0, 64}), Errno::kNotsock);
  EXPECT_EQ(fake.call("sock_recv", {0, 64, 1, 0, 64, 64}), Errno::kNotsock);
  EXPECT_EQ(fake.call("sock_send", {2, 64, 1, 0, 64}), Errno::kNotsock);
  EXPECT_EQ(fake.call("sock_shutdown", {3, 0}), Errno::kBadf);
}

TEST(HostFunctions, AreAllOfThem) {
  EXPECT_EQ(host_functions().size(), 46u);
  std::set<std::string_view> names;
  for (const HostFunction& function : host_functions()) {
    names.insert(function.name);
    EXPECT_EQ(function.parameters.find_first_not_of("iI"), std::string_view::npos) << function.name;
    EXPECT_EQ(function.returns_errno, function.name != "proc_exit");
  }
  EXPECT_EQ(names.size(), 46u);
}

TEST(HostFunctions, WaitOnlyWhereTheConfigurationCanMakeThem) {
  const HostFunction& read = host_function("fd_read");
  EXPECT_FALSE(read.may_wait(false, false, false));
  EXPECT_TRUE(read.may_wait(true, false, false));
  EXPECT_TRUE(read.may_wait(false, true, false));
  const HostFunction& write = host_function("fd_write");
  EXPECT_FALSE(write.may_wait(true, false, false));
  EXPECT_TRUE(write.may_wait(false, true, false));
  EXPECT_TRUE(host_function("poll_oneoff").may_wait(false, false, false));
  EXPECT_FALSE(host_function("clock_time_get").may_wait(true, true, true));
  EXPECT_FALSE(host_function("sock_accept").may_wait(true, true, false));
  EXPECT_TRUE(host_function("sock_accept").may_wait(false, false, true));
}

}  // namespace
}  // namespace fiso::wasm::wasi

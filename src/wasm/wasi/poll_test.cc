#include <gtest/gtest.h>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using std::chrono::milliseconds;
using testing::FakeGuest;

constexpr uint64_t kMs = 1'000'000;

class PollTest : public ::testing::Test {
 protected:
  void clock_subscription(uint64_t userdata, uint32_t id, uint64_t timeout_ns, uint16_t flags = 0) {
    uint32_t at = subscribe(userdata, eventtype::kClock);
    fake_.set(at + subscription::kClockId, id);
    fake_.set(at + subscription::kClockTimeout, timeout_ns);
    fake_.set(at + subscription::kClockFlags, flags);
  }
  void fd_subscription(uint64_t userdata, uint8_t type, Fd fd) { fake_.set(subscribe(userdata, type) + subscription::kFd, fd); }

  Errno poll() { return fake_.call("poll_oneoff", {list_, events_, count_, ready_}); }
  uint32_t ready() { return fake_.get<uint32_t>(ready_); }
  uint64_t userdata(uint32_t i) { return fake_.get<uint64_t>(events_ + i * event::kSize); }
  Errno error(uint32_t i) { return fake_.get<Errno>(events_ + i * event::kSize + event::kError); }
  uint8_t type(uint32_t i) { return fake_.get<uint8_t>(events_ + i * event::kSize + event::kType); }
  uint64_t nbytes(uint32_t i) { return fake_.get<uint64_t>(events_ + i * event::kSize + event::kNbytes); }
  uint16_t flags(uint32_t i) { return fake_.get<uint16_t>(events_ + i * event::kSize + event::kFlags); }

  FakeGuest fake_;
  GuestPointer list_ = fake_.room(2048 * subscription::kSize);
  GuestPointer events_ = fake_.room(2048 * event::kSize);
  GuestPointer ready_ = fake_.room(4);
  uint32_t count_ = 0;

 private:
  uint32_t subscribe(uint64_t userdata, uint8_t type) {
    uint32_t at = list_ + count_++ * subscription::kSize;
    fake_.set(at + subscription::kUserdata, userdata);
    fake_.set(at + subscription::kTag, type);
    return at;
  }
};

TEST_F(PollTest, ARelativeClockSleeps) {
  clock_subscription(42, clockid::kMonotonic, 5 * kMs);
  EXPECT_EQ(poll(), Errno::kAgain);
  ASSERT_EQ(fake_.parked->kind(), PendingCall::Kind::kSleep);
  EXPECT_EQ(fake_.parked->until(), fake_.clock.now() + milliseconds(5));
  fake_.clock.advance(milliseconds(5));
  ASSERT_EQ(fake_.resume(), Errno::kSuccess);
  EXPECT_EQ(ready(), 1u);
  EXPECT_EQ(userdata(0), 42u);
  EXPECT_EQ(error(0), Errno::kSuccess);
  EXPECT_EQ(type(0), eventtype::kClock);
}

TEST_F(PollTest, AnAbsoluteTimeOfEitherClockIsMet) {
  auto wall = static_cast<uint64_t>(fake_.clock.wall_now().time_since_epoch().count());
  auto monotonic = static_cast<uint64_t>(Duration(fake_.clock.now().time_since_epoch()).count());
  clock_subscription(1, clockid::kRealtime, wall + 20 * kMs, subclockflags::kAbstime);
  clock_subscription(2, clockid::kMonotonic, monotonic + 10 * kMs, subclockflags::kAbstime);
  EXPECT_EQ(poll(), Errno::kAgain);
  EXPECT_EQ(fake_.parked->until(), fake_.clock.now() + milliseconds(10));
  fake_.clock.advance(milliseconds(20));
  ASSERT_EQ(fake_.resume(), Errno::kSuccess);
  EXPECT_EQ(ready(), 2u);
}

TEST_F(PollTest, ATimeThatHasPassedDoesNotWait) {
  clock_subscription(1, clockid::kRealtime, 1, subclockflags::kAbstime);
  clock_subscription(2, clockid::kMonotonic, 0);
  clock_subscription(3, clockid::kMonotonic, 1000 * kMs);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(ready(), 2u);
}

TEST_F(PollTest, TheLongestTimesAreNever) {
  clock_subscription(1, clockid::kMonotonic, UINT64_MAX);
  clock_subscription(2, clockid::kRealtime, UINT64_MAX, subclockflags::kAbstime);
  EXPECT_EQ(poll(), Errno::kAgain);
  EXPECT_EQ(fake_.parked->until(), kNever);
}

TEST_F(PollTest, StdinIsReadyWithItsBytes) {
  const std::array<std::string_view, 1> pieces{"12345"};
  fake_.guest.give_input(pieces, InputEnd::kEof);
  fd_subscription(7, eventtype::kFdRead, 0);
  clock_subscription(8, clockid::kMonotonic, 5 * kMs);
  ASSERT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(ready(), 1u);
  EXPECT_EQ(userdata(0), 7u);
  EXPECT_EQ(type(0), eventtype::kFdRead);
  EXPECT_EQ(nbytes(0), 5u);
  EXPECT_EQ(flags(0), 0u);
  fake_.read(0);
  ASSERT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(flags(0), eventrwflags::kHangup) << "the end can be read at once as well";
}

TEST_F(PollTest, WithoutInputStdinIsWaitedForUntilTheTimeout) {
  fd_subscription(7, eventtype::kFdRead, 0);
  clock_subscription(8, clockid::kMonotonic, 5 * kMs);
  EXPECT_EQ(poll(), Errno::kAgain);
  ASSERT_EQ(fake_.parked->kind(), PendingCall::Kind::kInput);
  EXPECT_EQ(fake_.parked->until(), fake_.clock.now() + milliseconds(5));
  const std::array<std::string_view, 1> pieces{"12345"};
  fake_.guest.give_input(pieces, InputEnd::kMoreLater);
  ASSERT_EQ(fake_.resume(), Errno::kSuccess);
  EXPECT_EQ(ready(), 1u);
  EXPECT_EQ(userdata(0), 7u);
}

TEST_F(PollTest, OutputIsAlwaysReady) {
  fd_subscription(1, eventtype::kFdWrite, 1);
  fd_subscription(2, eventtype::kFdWrite, 2);
  fd_subscription(3, eventtype::kFdRead, 0);
  EXPECT_EQ(poll(), Errno::kSuccess);
  EXPECT_EQ(ready(), 2u);
  EXPECT_EQ(userdata(1), 2u);
}

TEST_F(PollTest, WhatIsWrongWithOneSubscriptionIsItsOwnEvent) {
  fd_subscription(1, eventtype::kFdRead, 99);
  clock_subscription(2, clockid::kThreadCputime, 1);
  clock_subscription(3, 1234, 1);
  EXPECT_EQ(poll(), Errno::kSuccess);
  ASSERT_EQ(ready(), 3u);
  EXPECT_EQ(error(0), Errno::kBadf);
  EXPECT_EQ(error(1), Errno::kNotsup);
  EXPECT_EQ(error(2), Errno::kInval);
}

TEST_F(PollTest, NoneTooManyAndUnknownKindsAreInvalid) {
  EXPECT_EQ(poll(), Errno::kInval);
  count_ = 1025;
  EXPECT_EQ(poll(), Errno::kInval);
  count_ = 0xFFFF'FFFF;
  EXPECT_EQ(poll(), Errno::kInval);
  count_ = 0;
  fd_subscription(1, 3, 0);
  EXPECT_EQ(poll(), Errno::kInval);
}

TEST_F(PollTest, ListsAndResultsHaveToLieInside) {
  clock_subscription(1, clockid::kMonotonic, 5 * kMs);
  EXPECT_EQ(fake_.call("poll_oneoff", {FakeGuest::kEnd - 47, events_, 1, ready_}), Errno::kFault);
  EXPECT_EQ(fake_.call("poll_oneoff", {0xFFFF'FFF0, events_, 1, ready_}), Errno::kFault);
  EXPECT_EQ(fake_.call("poll_oneoff", {list_, FakeGuest::kEnd - 31, 1, ready_}), Errno::kFault);
  EXPECT_EQ(fake_.call("poll_oneoff", {list_, events_, 1, FakeGuest::kEnd - 3}), Errno::kFault);
  EXPECT_EQ(fake_.parked, nullptr);
}

}  // namespace
}  // namespace fiso::wasm::wasi

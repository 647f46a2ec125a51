// Streams of the host that are passed through, on pipes.
#include "wasm/wasi/host_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FakeGuest;

struct Pipe {
  Pipe() {
    int fds[2];
    FISO_CHECK(::pipe2(fds, O_CLOEXEC) == 0, "pipe2");
    reading = FileHandle(fds[0]);
    writing = FileHandle(fds[1]);
  }
  void put(std::string_view text) const {
    FISO_CHECK(::write(writing.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
  }
  std::string take() const {
    std::string text(PIPE_BUF, '\0');
    text.resize(static_cast<size_t>(std::max<ssize_t>(0, ::read(reading.get(), text.data(), text.size()))));
    return text;
  }
  void fill() const {
    ASSERT_EQ(::fcntl(writing.get(), F_SETPIPE_SZ, 4096), 4096);
    put(std::string(4096, 'x'));
  }
  FileHandle reading, writing;
};

class HostStreamTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const GuestConfig> config(const Pipe& in, const Pipe& out, const Pipe& stop) {
    return FakeGuest::open(
        {.pass_through = {.fds = {in.reading.get(), out.writing.get(), -1}, .stop = StopRequest(stop.reading.get())}});
  }
  Errno poll_stream(uint8_t type, Fd fd) {
    GuestPointer subscribed = fake_.room(subscription::kSize), events = fake_.room(event::kSize);
    fake_.set(subscribed + subscription::kTag, type);
    fake_.set(subscribed + subscription::kFd, fd);
    events_ = events;
    return fake_.call("poll_oneoff", {subscribed, events, 1, ready_});
  }
  uint32_t ready() { return fake_.get<uint32_t>(ready_); }

  Pipe in_, out_, stop_;
  FakeGuest fake_{config(in_, out_, stop_)};
  GuestPointer events_ = 0;
  GuestPointer ready_ = fake_.room(4);
};

TEST_F(HostStreamTest, AReadGivesWhatIsThereAndThenTheEnd) {
  in_.put("hello");
  EXPECT_EQ(fake_.read(0, 3), (FakeGuest::Read{Errno::kSuccess, "hel"}));
  EXPECT_EQ(fake_.read(0), (FakeGuest::Read{Errno::kSuccess, "lo"}));
  in_.writing = FileHandle();
  EXPECT_EQ(fake_.read(0), (FakeGuest::Read{Errno::kSuccess, ""}));
}

TEST_F(HostStreamTest, AReadThatIsNotToWaitDoesNot) {
  ASSERT_EQ(fake_.call("fd_fdstat_set_flags", {0, fdflags::kNonblock}), Errno::kSuccess);
  EXPECT_EQ(fake_.read(0).error, Errno::kAgain);
  EXPECT_EQ(::fcntl(in_.reading.get(), F_GETFL) & O_NONBLOCK, 0) << "others have that stream too";
  in_.put("x");
  EXPECT_EQ(fake_.read(0).bytes, "x");
}

TEST_F(HostStreamTest, AWriteIsThereWhenTheCallHasReturned) {
  ASSERT_EQ(fake_.write(1, "one"), Errno::kSuccess);
  EXPECT_EQ(out_.take(), "one");
  EXPECT_EQ(fake_.guest.output(), "") << "nothing is collected";
  std::string big(3 * PIPE_BUF + 1, 'y');
  ASSERT_EQ(fake_.write(1, big), Errno::kSuccess);
  EXPECT_EQ(out_.take() + out_.take() + out_.take() + out_.take(), big);
}

TEST_F(HostStreamTest, AReaderThatIsGoneIsAnErrno) {
  auto before = std::signal(SIGPIPE, SIG_IGN);
  out_.reading = FileHandle();
  EXPECT_EQ(fake_.write(1, "x"), Errno::kPipe);
  std::signal(SIGPIPE, before);
}

TEST_F(HostStreamTest, AStopEndsWhatWaits) {
  out_.fill();
  stop_.put("!");
  EXPECT_EQ(fake_.read(0).error, Errno::kIntr);
  EXPECT_EQ(fake_.write(1, "x"), Errno::kIntr);
  EXPECT_EQ(poll_stream(eventtype::kFdRead, 0), Errno::kSuccess);
  EXPECT_EQ(ready(), 0u);
}

TEST_F(HostStreamTest, APollSaysWhatWouldNotWait) {
  EXPECT_EQ(poll_stream(eventtype::kFdWrite, 1), Errno::kSuccess);
  EXPECT_EQ(ready(), 1u);
  in_.put("x");
  EXPECT_EQ(poll_stream(eventtype::kFdRead, 0), Errno::kSuccess);
  EXPECT_EQ(ready(), 1u);
  EXPECT_EQ(fake_.get<uint16_t>(events_ + event::kFlags), 0u);
  (void)fake_.read(0);
  in_.writing = FileHandle();
  EXPECT_EQ(poll_stream(eventtype::kFdRead, 0), Errno::kSuccess);
  EXPECT_EQ(fake_.get<uint16_t>(events_ + event::kFlags), eventrwflags::kHangup);
}

TEST_F(HostStreamTest, AStreamHasNoPosition) {
  EXPECT_EQ(fake_.call("fd_seek", {0, 0, whence::kSet, fake_.room(8)}), Errno::kSpipe);
  EXPECT_EQ(fake_.call("fd_tell", {1, fake_.room(8)}), Errno::kSpipe);
  GuestPointer buffer = fake_.room(4);
  EXPECT_EQ(fake_.call("fd_pread", {0, fake_.vectors({{buffer, 4}}), 1, 0, fake_.room(4)}), Errno::kSpipe);
}

TEST_F(HostStreamTest, WhatIsNotPassedStaysTheGuests) {
  ASSERT_EQ(fake_.write(2, "a line\n"), Errno::kSuccess);
  EXPECT_EQ(fake_.errors.lines, std::vector<std::string>{"a line"});
}

TEST_F(HostStreamTest, AStreamThatIsClosedIsRefused) {
  EXPECT_FALSE(GuestConfig::open({.pass_through = {.fds = {1 << 20, -1, -1}}}).has_value());
}

}  // namespace
}  // namespace fiso::wasm::wasi

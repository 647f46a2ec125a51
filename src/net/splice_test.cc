#include "net/splice.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "async/testing/run_task.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two pairs of sockets; a splice joins the inner ends, the test holds the outer ones.
class SpliceTest : public ::testing::Test {
 protected:
  SpliceTest() : shards_(1) {
    shards_.run_on(0, [&](async::Shard& shard) { sides_ = std::make_unique<Sides>(shard, a_, b_); });
  }
  ~SpliceTest() override {
    shards_.run_on(0, [&](async::Shard&) { sides_.reset(); });
    if (a_ >= 0) ::close(a_);
    if (b_ >= 0) ::close(b_);
  }

  std::future<Splice::End> run(Splice::Patience patience, std::string_view ahead_a = "", std::string_view ahead_b = "") {
    return std::async(std::launch::async, [=, this] {
      return testing::run_task(shards_[0], [&] { return sides_->splice.run(ahead_a, ahead_b, patience); });
    });
  }
  static std::string read_some(int fd) {
    char buffer[64 << 10];
    ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : n == 0 ? "<end>" : "<reset>";
  }

  struct Sides {
    Sides(async::Shard& shard, int& outer_a, int& outer_b)
        : a_socket(socket(shard, outer_a)), b_socket(socket(shard, outer_b)), a(a_socket), b(b_socket), splice(shard, a, b) {}
    static Socket socket(async::Shard& shard, int& outer) {
      int fds[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
      outer = fds[0];
      Socket inner(shard.executor());
      SystemError ignored;
      inner.assign(asio::ip::tcp::v4(), fds[1], ignored);
      inner.native_non_blocking(true, ignored);
      return inner;
    }
    PlainStream a_socket, b_socket;
    ByteStreamOf<PlainStream> a, b;
    Splice splice;
  };

  async::ShardSet shards_;
  int a_ = -1, b_ = -1;
  std::unique_ptr<Sides> sides_;
};

TEST_F(SpliceTest, BytesPassBothWaysUntilBothSidesHaveEnded) {
  observe::Counter from_a, from_b;
  sides_->splice.count_into(from_a, from_b);
  auto end = run({.idle = seconds(30)}, "ahead of a", "ahead of b");
  EXPECT_EQ(read_some(b_), "ahead of a");
  EXPECT_EQ(read_some(a_), "ahead of b");
  ::send(a_, "from a", 6, 0);
  EXPECT_EQ(read_some(b_), "from a");
  ::shutdown(a_, SHUT_WR);
  EXPECT_EQ(read_some(b_), "<end>");
  ::send(b_, "still", 5, 0);
  EXPECT_EQ(read_some(a_), "still");
  ::shutdown(b_, SHUT_WR);
  EXPECT_EQ(read_some(a_), "<end>");
  EXPECT_EQ(end.get(), Splice::End::kDone);
  EXPECT_EQ(from_a.value(), 16u);
  EXPECT_EQ(from_b.value(), 15u);
}

TEST_F(SpliceTest, OnceBHasEndedASilentAIsNotWaitedForLong) {
  auto end = run({.idle = seconds(3600), .after_end = milliseconds(50)});
  ::send(b_, "bye", 3, 0);
  EXPECT_EQ(read_some(a_), "bye");
  ::shutdown(b_, SHUT_WR);
  EXPECT_EQ(end.get(), Splice::End::kIdle);
}

TEST_F(SpliceTest, OnceAHasEndedBHasTheUsualTime) {
  auto end = run({.idle = seconds(3600), .after_end = milliseconds(1)});
  ::shutdown(a_, SHUT_WR);
  EXPECT_EQ(read_some(b_), "<end>");
  for (int i = 0; i < 20; ++i) {
    ::send(b_, "x", 1, 0);
    EXPECT_EQ(read_some(a_), "x");
  }
  shards_.run_on(0, [&](async::Shard&) { sides_->splice.stop(); });
  EXPECT_EQ(end.get(), Splice::End::kStopped);
}

TEST_F(SpliceTest, ASideThatFailsEndsTheOther) {
  auto end = run({.idle = seconds(30)});
  ::close(std::exchange(a_, -1));  // reading ends, and then writing fails
  EXPECT_EQ(read_some(b_), "<end>");
  ::send(b_, "x", 1, MSG_NOSIGNAL);
  EXPECT_EQ(end.get(), Splice::End::kBroken);
}

TEST_F(SpliceTest, WhatDoesNotMoveIsEnded) {
  auto end = run({.idle = milliseconds(50)});
  EXPECT_EQ(end.get(), Splice::End::kIdle);
  EXPECT_EQ(read_some(a_), "<end>");
  EXPECT_EQ(read_some(b_), "<end>");
}

TEST_F(SpliceTest, StopEndsBothSides) {
  auto end = run({}, "x");
  EXPECT_EQ(read_some(b_), "x");
  shards_.run_on(0, [&](async::Shard&) { sides_->splice.stop(); });
  EXPECT_EQ(end.get(), Splice::End::kStopped);
  EXPECT_EQ(read_some(a_), "<end>");
  EXPECT_EQ(read_some(b_), "<end>");
}

}  // namespace
}  // namespace fiso::net

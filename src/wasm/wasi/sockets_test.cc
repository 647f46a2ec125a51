// Sockets of a guest that lives on, with connections of the kernel.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FakeGuest;

constexpr Fd kListener = 3;

class NotedLife final : public LifeSink {
 public:
  void wrote(Fd stream, std::string_view bytes) override { written[stream] += bytes; }
  void accepts(const HostFile&) override { ++asked; }
  std::string written[3];
  int asked = 0;
};

class SocketsTest : public ::testing::Test {
 protected:
  SocketsTest() {
    FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    inet_pton(AF_INET, "127.0.0.1", &address_.sin_addr);
    socklen_t size = sizeof address_;
    FISO_CHECK(::bind(socket.get(), name(), size) == 0 && ::listen(socket.get(), 16) == 0);
    FISO_CHECK(::getsockname(socket.get(), name(), &size) == 0);
    listener_ = std::make_shared<const HostFile>(std::move(socket), Access::kReadWrite);
    fake_.guest.live_on(life_, {&listener_, 1});
  }

  sockaddr* name() { return reinterpret_cast<sockaddr*>(&address_); }
  FileHandle connect() {
    FileHandle socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    FISO_CHECK(::connect(socket.get(), name(), sizeof address_) == 0);
    return socket;
  }
  Errno accept(uint16_t flags = 0) { return fake_.call("sock_accept", {kListener, flags, accepted_at_}); }
  Fd accepted() { return fake_.get<uint32_t>(accepted_at_); }
  // A connection and its descriptor.
  std::pair<FileHandle, Fd> connection(uint16_t flags = 0) {
    FileHandle socket = connect();
    EXPECT_EQ(accept(flags), Errno::kSuccess);
    return {std::move(socket), accepted()};
  }
  static void put(const FileHandle& peer, std::string_view text) {
    FISO_CHECK(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  }
  static std::string take(const FileHandle& peer) {
    char text[4096];
    ssize_t count = ::recv(peer.get(), text, sizeof text, 0);
    return count > 0 ? std::string(text, static_cast<size_t>(count)) : "";
  }
  Errno recv(Fd fd, uint32_t flags, std::string* text) {
    GuestPointer buffer = fake_.room(64), size = fake_.room(4), out_flags = fake_.room(4);
    Errno error = fake_.call("sock_recv", {fd, fake_.vectors({{buffer, 64}}), 1, flags, size, out_flags});
    if (error == Errno::kSuccess) *text = fake_.text(buffer, fake_.get<uint32_t>(size));
    return error;
  }

  sockaddr_in address_{};
  HostFileRef listener_;
  NotedLife life_;
  FakeGuest fake_;
  GuestPointer accepted_at_ = fake_.room(4);
};

TEST_F(SocketsTest, TheListenerIsTheFirstDescriptorAndASocket) {
  GuestPointer at = fake_.room(fdstat::kSize);
  ASSERT_EQ(fake_.call("fd_fdstat_get", {kListener, at}), Errno::kSuccess);
  EXPECT_EQ(fake_.get<Filetype>(at), Filetype::kSocketStream);
  EXPECT_EQ(fake_.call("fd_prestat_get", {kListener, fake_.room(8)}), Errno::kBadf);
  EXPECT_EQ(life_.asked, 0);
}

TEST_F(SocketsTest, AConnectionIsReadAndWritten) {
  auto [peer, fd] = connection();
  EXPECT_EQ(fd, 4u);
  EXPECT_EQ(life_.asked, 1);
  put(peer, "hello");
  EXPECT_EQ(fake_.read(fd), (FakeGuest::Read{Errno::kSuccess, "hello"}));
  EXPECT_EQ(fake_.write(fd, "world"), Errno::kSuccess);
  EXPECT_EQ(take(peer), "world");
  EXPECT_EQ(fake_.call("fd_close", {fd}), Errno::kSuccess);
  EXPECT_EQ(take(peer), "");
}

TEST_F(SocketsTest, AnAcceptWaitsForAConnection) {
  EXPECT_EQ(accept(), Errno::kAgain);
  ASSERT_NE(fake_.parked, nullptr);
  ASSERT_EQ(fake_.parked->kind(), PendingCall::Kind::kReady);
  ASSERT_EQ(fake_.parked->watched().size(), 1u);
  EXPECT_EQ(fake_.parked->watched()[0].stream, listener_);
  EXPECT_EQ(fake_.resume(), Errno::kAgain);  // woken for nothing
  FileHandle peer = connect();
  EXPECT_EQ(fake_.resume(), Errno::kSuccess);
  EXPECT_EQ(accepted(), 4u);
}

TEST_F(SocketsTest, AReadWaitsAndTheEndIsNoBytes) {
  auto [peer, fd] = connection();
  GuestPointer buffer = fake_.room(16), size = fake_.room(4), list = fake_.vectors({{buffer, 3}, {buffer + 8, 3}});
  EXPECT_EQ(fake_.call("fd_read", {fd, list, 2, size}), Errno::kAgain);
  put(peer, "abcde");
  ASSERT_EQ(fake_.resume(), Errno::kSuccess);
  EXPECT_EQ(fake_.get<uint32_t>(size), 5u);
  EXPECT_EQ(fake_.text(buffer, 3) + fake_.text(buffer + 8, 2), "abcde");
  ::shutdown(peer.get(), SHUT_WR);
  EXPECT_EQ(fake_.read(fd), (FakeGuest::Read{Errno::kSuccess, ""}));
}

TEST_F(SocketsTest, ANonBlockingSocketNeverWaits) {
  EXPECT_EQ(fake_.call("fd_fdstat_set_flags", {kListener, fdflags::kNonblock}), Errno::kSuccess);
  EXPECT_EQ(accept(), Errno::kAgain);
  EXPECT_EQ(fake_.parked, nullptr);
  auto [peer, fd] = connection(fdflags::kNonblock);
  EXPECT_EQ(fake_.read(fd), (FakeGuest::Read{Errno::kAgain, ""}));
  EXPECT_EQ(fake_.parked, nullptr);
}

TEST_F(SocketsTest, AWriteThatNobodyReadsWaits) {
  auto [peer, fd] = connection();
  std::string much(1 << 20, 'x');
  Errno error = Errno::kSuccess;
  while (error == Errno::kSuccess) error = fake_.write(fd, much);
  ASSERT_EQ(error, Errno::kAgain);
  ASSERT_NE(fake_.parked, nullptr);
  EXPECT_EQ(fake_.parked->watched()[0].events, POLLOUT);
  while (fake_.parked != nullptr && fake_.resume() == Errno::kAgain) (void)take(peer);
  EXPECT_EQ(fake_.parked, nullptr);
}

TEST_F(SocketsTest, WritingToOneThatHasGoneIsAnError) {
  auto [peer, fd] = connection();
  peer = FileHandle();
  Errno error = Errno::kSuccess;
  while (error == Errno::kSuccess) error = fake_.write(fd, "x");
  EXPECT_TRUE(error == Errno::kPipe || error == Errno::kConnreset) << static_cast<int>(error);
}

TEST_F(SocketsTest, SockRecvPeeksAndSockSendSends) {
  auto [peer, fd] = connection();
  put(peer, "hello");
  std::string text;
  EXPECT_EQ(recv(fd, 1, &text), Errno::kSuccess);
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(recv(fd, 0, &text), Errno::kSuccess);
  EXPECT_EQ(text, "hello");
  EXPECT_EQ(recv(fd, 2, &text), Errno::kNotsup);
  EXPECT_EQ(recv(fd, 4, &text), Errno::kInval);
  GuestPointer size = fake_.room(4), list = fake_.vectors({{fake_.put("bye"), 3}});
  EXPECT_EQ(fake_.call("sock_send", {fd, list, 1, 1, size}), Errno::kInval);
  EXPECT_EQ(fake_.call("sock_send", {fd, list, 1, 0, size}), Errno::kSuccess);
  EXPECT_EQ(fake_.get<uint32_t>(size), 3u);
  EXPECT_EQ(take(peer), "bye");
}

TEST_F(SocketsTest, EitherDirectionIsShutDown) {
  auto [peer, fd] = connection();
  EXPECT_EQ(fake_.call("sock_shutdown", {fd, 0}), Errno::kInval);
  EXPECT_EQ(fake_.call("sock_shutdown", {fd, 2}), Errno::kSuccess);
  EXPECT_EQ(take(peer), "");
  put(peer, "still");
  EXPECT_EQ(fake_.read(fd), (FakeGuest::Read{Errno::kSuccess, "still"}));
  EXPECT_EQ(fake_.write(fd, "x"), Errno::kPipe);
}

TEST_F(SocketsTest, EachDescriptorIsWhatItIs) {
  auto [peer, fd] = connection();
  EXPECT_EQ(fake_.call("sock_accept", {fd, 0, accepted_at_}), Errno::kInval);
  EXPECT_EQ(fake_.call("sock_accept", {0, 0, accepted_at_}), Errno::kNotsock);
  EXPECT_EQ(fake_.call("sock_accept", {77, 0, accepted_at_}), Errno::kBadf);
  EXPECT_EQ(fake_.call("sock_accept", {kListener, fdflags::kAppend, accepted_at_}), Errno::kInval);
  EXPECT_EQ(fake_.call("sock_accept", {kListener, 0, FakeGuest::kEnd}), Errno::kFault);
  EXPECT_EQ(fake_.call("sock_shutdown", {kListener, 1}), Errno::kNotconn);
  EXPECT_EQ(fake_.call("fd_seek", {fd, 0, whence::kSet, fake_.room(8)}), Errno::kSpipe);
  EXPECT_EQ(fake_.read(kListener).error, Errno::kBadf);
  GuestPointer stat = fake_.room(filestat::kSize);
  EXPECT_EQ(fake_.call("fd_filestat_get", {fd, stat}), Errno::kSuccess);
  EXPECT_EQ(fake_.get<Filetype>(stat + filestat::kFiletype), Filetype::kSocketStream);
}

TEST_F(SocketsTest, ThereAreNoMoreThanTheLimitOfDescriptors) {
  std::vector<FileHandle> peers;
  Errno error = Errno::kSuccess;
  while (error == Errno::kSuccess) {
    peers.push_back(connect());
    error = accept();
  }
  EXPECT_EQ(error, Errno::kMfile);
  EXPECT_EQ(peers.size(), GuestLimits().fds - 4 + 1);
  EXPECT_EQ(fake_.call("fd_close", {4}), Errno::kSuccess);
  EXPECT_EQ(accept(), Errno::kSuccess);  // it was not lost
  EXPECT_EQ(accepted(), 4u);
}

TEST_F(SocketsTest, AListenerThatIsShutDownAcceptsNoMore) {
  EXPECT_EQ(accept(), Errno::kAgain);
  ::shutdown(listener_->fd(), SHUT_RDWR);
  EXPECT_EQ(fake_.resume(), Errno::kInval);
  EXPECT_EQ(accept(), Errno::kInval);
}

TEST_F(SocketsTest, OutputGoesToTheKeeperAndIsNotCounted) {
  std::string much(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) EXPECT_EQ(fake_.write(1, much), Errno::kSuccess);
  EXPECT_EQ(fake_.write(2, "no line yet"), Errno::kSuccess);
  EXPECT_EQ(life_.written[1].size(), 20u << 20);
  EXPECT_EQ(life_.written[2], "no line yet");
  EXPECT_EQ(fake_.guest.output(), "");
}

TEST_F(SocketsTest, InputIsAddedAndReadInOrder) {
  EXPECT_EQ(fake_.read(0).error, Errno::kAgain);
  ASSERT_EQ(fake_.parked->kind(), PendingCall::Kind::kInput);
  fake_.guest.add_input("one ");
  EXPECT_EQ(fake_.resume(), Errno::kSuccess);
  fake_.guest.add_input("two ");
  EXPECT_EQ(fake_.read(0, 2), (FakeGuest::Read{Errno::kSuccess, "tw"}));
  fake_.guest.add_input("three");
  EXPECT_EQ(fake_.read(0), (FakeGuest::Read{Errno::kSuccess, "o three"}));
  EXPECT_FALSE(fake_.guest.has_input());
  fake_.guest.end_input();
  EXPECT_EQ(fake_.read(0), (FakeGuest::Read{Errno::kSuccess, ""}));
}

class SocketPollTest : public SocketsTest {
 protected:
  // Two descriptors to read from, one event each.
  Errno poll(Fd first, Fd second) {
    for (uint32_t i = 0; i < 2; ++i) {
      fake_.set(list_ + i * subscription::kSize + subscription::kUserdata, uint64_t{10 + i});
      fake_.set(list_ + i * subscription::kSize + subscription::kTag, eventtype::kFdRead);
      fake_.set(list_ + i * subscription::kSize + subscription::kFd, i == 0 ? first : second);
    }
    return fake_.call("poll_oneoff", {list_, events_, 2, ready_});
  }
  uint32_t ready() { return fake_.get<uint32_t>(ready_); }
  uint64_t userdata(uint32_t i) { return fake_.get<uint64_t>(events_ + i * event::kSize); }
  uint16_t flags(uint32_t i) { return fake_.get<uint16_t>(events_ + i * event::kSize + event::kFlags); }

  GuestPointer list_ = fake_.room(2 * subscription::kSize);
  GuestPointer events_ = fake_.room(2 * event::kSize);
  GuestPointer ready_ = fake_.room(4);
};

TEST_F(SocketPollTest, TheOnesThatAreReadyAreTold) {
  auto [peer, fd] = connection();
  EXPECT_EQ(life_.asked, 1);
  EXPECT_EQ(poll(kListener, fd), Errno::kAgain);
  EXPECT_EQ(life_.asked, 2);
  ASSERT_EQ(fake_.parked->kind(), PendingCall::Kind::kReady);
  EXPECT_EQ(fake_.parked->watched().size(), 2u);
  EXPECT_EQ(fake_.resume(), Errno::kAgain);
  put(peer, "x");
  EXPECT_EQ(fake_.resume(), Errno::kSuccess);
  ASSERT_EQ(ready(), 1u);
  EXPECT_EQ(userdata(0), 11u);
  EXPECT_EQ(flags(0), 0);
  FileHandle other = connect();
  EXPECT_EQ(poll(kListener, fd), Errno::kSuccess);
  EXPECT_EQ(ready(), 2u);
}

TEST_F(SocketPollTest, AListenerThatIsShutDownHasHungUp) {
  EXPECT_EQ(poll(kListener, 0), Errno::kAgain);
  EXPECT_TRUE(fake_.parked->wants_input());
  ::shutdown(listener_->fd(), SHUT_RDWR);
  EXPECT_EQ(fake_.resume(), Errno::kSuccess);
  ASSERT_EQ(ready(), 1u);
  EXPECT_EQ(flags(0), eventrwflags::kHangup);
}

TEST_F(SocketPollTest, InputEndsAWaitForSockets) {
  EXPECT_EQ(poll(kListener, 0), Errno::kAgain);
  fake_.guest.add_input("x");
  EXPECT_EQ(fake_.resume(), Errno::kSuccess);
  ASSERT_EQ(ready(), 1u);
  EXPECT_EQ(userdata(0), 11u);
}

}  // namespace
}  // namespace fiso::wasm::wasi

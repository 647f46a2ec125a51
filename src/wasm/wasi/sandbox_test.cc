// What a hostile guest tries in order to leave its directories or to change what it may only read.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "wasm/wasi/sandbox_path.h"
#include "wasm/wasi/testing/file_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FileGuest;
using testing::ScratchDirectory;
using Read = FileGuest::Read;

constexpr Fd kWritable = 3;
constexpr Fd kReadOnly = 4;
constexpr Fd kOther = 5;

// outside/secret lies beside the preopens; a link to it in each form waits inside.
class SandboxTest : public ::testing::Test {
 protected:
  SandboxTest() {
    scratch_.make_directory("outside");
    scratch_.write("outside/secret", "secret");
    for (const char* name : {"rw", "ro", "other"}) scratch_.make_directory(name);
    scratch_.make_directory("rw/sub");
    scratch_.write("rw/own", "own");
    scratch_.write("ro/fixed", "fixed");
    scratch_.make_directory("ro/dir");
    scratch_.symlink(scratch_.path("outside"), "rw/absolute");
    scratch_.symlink("../outside", "rw/relative");
    scratch_.symlink("../outside/secret", "rw/file");
    scratch_.symlink("/proc/self/root", "rw/magic");
    scratch_.symlink("/proc/self/cwd", "rw/cwd");
    guest_.emplace(GuestOptions{.preopens = {{"/rw", scratch_.path("rw"), Access::kReadWrite},
                                             {"/ro", scratch_.path("ro"), Access::kReadOnly},
                                             {"/other", scratch_.path("other"), Access::kReadWrite}}});
  }

  FileGuest& guest() { return *guest_; }

  ScratchDirectory scratch_;
  std::optional<FileGuest> guest_;
};

constexpr std::string_view kWaysOut[] = {"..",
                                         "../",
                                         "../outside/secret",
                                         "sub/../../outside/secret",
                                         "./sub/.././../outside/secret",
                                         "/etc/passwd",
                                         "//etc/passwd",
                                         "///",
                                         "absolute/secret",
                                         "relative/secret",
                                         "relative/",
                                         "file",
                                         "magic/etc/passwd",
                                         "cwd/."};

TEST_F(SandboxTest, NoPathOpensWhatIsOutside) {
  for (std::string_view path : kWaysOut) {
    EXPECT_EQ(guest().open_path(kWritable, path, {}), Errno::kPerm) << path;
    EXPECT_EQ(guest().open_path(kWritable, path, {.oflags = oflags::kDirectory}), Errno::kPerm) << path;
    EXPECT_EQ(guest().open_path(kWritable, path, {.rights = FileGuest::kReadWrite, .oflags = oflags::kCreat | oflags::kTrunc}),
              Errno::kPerm)
        << path;
  }
  EXPECT_EQ(scratch_.read("outside/secret"), "secret");
}

TEST_F(SandboxTest, NoPathTellsAboutWhatIsOutside) {
  GuestPointer at = guest().room(filestat::kSize);
  for (std::string_view path : kWaysOut) {
    EXPECT_EQ(guest().stat_path(kWritable, path, at), Errno::kPerm) << path;
    EXPECT_EQ(guest().touch(kWritable, path, 1), Errno::kPerm) << path;
  }
  for (std::string_view path : {"../outside/secret", "relative/secret", "/etc/passwd"})
    EXPECT_EQ(guest().readlink(kWritable, path).error, Errno::kPerm) << path;
}

TEST_F(SandboxTest, NothingOutsideIsChanged) {
  for (std::string_view way : {"../outside", "sub/../../outside", "absolute", "relative", "magic/tmp"}) {
    std::string there(way), secret = there + "/secret", fresh = there + "/fresh";
    EXPECT_EQ(guest().create(kWritable, fresh), Errno::kPerm) << way;
    EXPECT_EQ(guest().make_directory(kWritable, fresh), Errno::kPerm) << way;
    EXPECT_EQ(guest().unlink(kWritable, secret), Errno::kPerm) << way;
    EXPECT_EQ(guest().remove_directory(kWritable, secret), Errno::kPerm) << way;
    EXPECT_EQ(guest().rename(kWritable, secret, kWritable, "mine"), Errno::kPerm) << way;
    EXPECT_EQ(guest().rename(kWritable, "own", kWritable, fresh), Errno::kPerm) << way;
    EXPECT_EQ(guest().link(kWritable, secret, kWritable, "mine"), Errno::kPerm) << way;
    EXPECT_EQ(guest().link(kWritable, "own", kWritable, fresh), Errno::kPerm) << way;
    EXPECT_EQ(guest().symlink("own", kWritable, fresh), Errno::kPerm) << way;
  }
  EXPECT_EQ(scratch_.read("outside/secret"), "secret");
  EXPECT_FALSE(scratch_.exists("outside/fresh"));
  EXPECT_FALSE(scratch_.exists("rw/mine"));
  EXPECT_TRUE(scratch_.exists("rw/own"));
}

TEST_F(SandboxTest, ADirectoryFurtherInHasTheSameWalls) {
  Fd sub = 0;
  ASSERT_EQ(guest().open_path(kWritable, "sub", {.oflags = oflags::kDirectory}, &sub), Errno::kSuccess);
  EXPECT_EQ(guest().open_path(sub, "../own", {}), Errno::kPerm);
  EXPECT_EQ(guest().rename(kWritable, "sub", kOther, "sub"), Errno::kSuccess);
  EXPECT_EQ(guest().open_path(sub, "../own", {}), Errno::kPerm) << "wherever it was moved to";
}

TEST_F(SandboxTest, DotsThatStayInsideAreFine) {
  EXPECT_EQ(guest().read_path(kWritable, "sub/../own"), (Read{Errno::kSuccess, "own"}));
  EXPECT_EQ(guest().read_path(kWritable, ".//./own"), (Read{Errno::kSuccess, "own"}));
}

TEST_F(SandboxTest, LinksThatCouldLeadOutAreNotMade) {
  for (std::string_view target : {"/etc/passwd", "../..", "../../outside", "sub/../../outside", "a/..", "./.././../x"})
    EXPECT_EQ(guest().symlink(target, kWritable, "sub/link"), Errno::kPerm) << target;
  EXPECT_FALSE(scratch_.exists("rw/sub/link"));
}

TEST_F(SandboxTest, ARenamedLinkStillLeadsNowhere) {
  EXPECT_EQ(guest().rename(kWritable, "relative", kOther, "moved"), Errno::kSuccess);
  EXPECT_EQ(guest().open_path(kOther, "moved/secret", {}), Errno::kPerm);
  EXPECT_EQ(guest().link(kWritable, "file", kOther, "linked"), Errno::kSuccess) << "a second name of the link itself";
  EXPECT_EQ(guest().open_path(kOther, "linked", {}), Errno::kPerm);
  EXPECT_EQ(guest().link(kWritable, "absolute/", kOther, "dir"), Errno::kPerm);
}

TEST_F(SandboxTest, WhatIsReadOnlyStaysSo) {
  EXPECT_EQ(guest().read_path(kReadOnly, "fixed"), (Read{Errno::kSuccess, "fixed"}));
  EXPECT_EQ(guest().open_path(kReadOnly, "fixed", {.rights = FileGuest::kReadWrite}), Errno::kRofs);
  EXPECT_EQ(guest().open_path(kReadOnly, "fixed", {.oflags = oflags::kTrunc}), Errno::kRofs);
  EXPECT_EQ(guest().create(kReadOnly, "fresh"), Errno::kRofs);
  EXPECT_EQ(guest().make_directory(kReadOnly, "fresh"), Errno::kRofs);
  EXPECT_EQ(guest().unlink(kReadOnly, "fixed"), Errno::kRofs);
  EXPECT_EQ(guest().remove_directory(kReadOnly, "dir"), Errno::kRofs);
  EXPECT_EQ(guest().symlink("fixed", kReadOnly, "link"), Errno::kRofs);
  EXPECT_EQ(guest().touch(kReadOnly, "fixed", 1), Errno::kRofs);
  EXPECT_EQ(guest().rename(kReadOnly, "fixed", kReadOnly, "other"), Errno::kRofs);
  EXPECT_EQ(guest().link(kReadOnly, "fixed", kReadOnly, "other"), Errno::kRofs);
  EXPECT_EQ(guest().call("fd_filestat_set_times", {kReadOnly, 1, 1, fstflags::kMtim}), Errno::kRofs);
  EXPECT_EQ(scratch_.read("ro/fixed"), "fixed");
}

TEST_F(SandboxTest, NoOtherNameMakesAReadOnlyFileWritable) {
  EXPECT_EQ(guest().rename(kReadOnly, "fixed", kWritable, "mine"), Errno::kRofs);
  EXPECT_EQ(guest().link(kReadOnly, "fixed", kWritable, "mine"), Errno::kRofs);
  EXPECT_EQ(guest().rename(kWritable, "own", kReadOnly, "fixed"), Errno::kRofs);
  EXPECT_EQ(guest().link(kWritable, "own", kReadOnly, "mine"), Errno::kRofs);
  EXPECT_FALSE(scratch_.exists("rw/mine"));
  EXPECT_EQ(scratch_.read("ro/fixed"), "fixed");
}

TEST_F(SandboxTest, ADirectoryOfAReadOnlyPreopenIsReadOnlyToo) {
  Fd dir = 0, file = 0;
  ASSERT_EQ(guest().open_path(kReadOnly, "dir", {.oflags = oflags::kDirectory}, &dir), Errno::kSuccess);
  EXPECT_EQ(guest().create(dir, "fresh"), Errno::kRofs);
  EXPECT_EQ(guest().rename(kWritable, "own", dir, "own"), Errno::kRofs);
  ASSERT_EQ(guest().open_path(kReadOnly, "fixed", {}, &file), Errno::kSuccess);
  EXPECT_EQ(guest().write(file, "x"), Errno::kBadf);
  EXPECT_EQ(guest().call("fd_filestat_set_size", {file, 0}), Errno::kRofs);
  EXPECT_EQ(guest().call("fd_filestat_set_times", {file, 1, 1, fstflags::kMtim}), Errno::kRofs);
  EXPECT_EQ(guest().call("fd_allocate", {file, 0, 1}), Errno::kRofs);
}

TEST_F(SandboxTest, BetweenWritablePreopensFilesMayMove) {
  EXPECT_EQ(guest().link(kWritable, "own", kOther, "second"), Errno::kSuccess);
  EXPECT_EQ(guest().rename(kWritable, "own", kOther, "first"), Errno::kSuccess);
  EXPECT_EQ(scratch_.read("other/first"), "own");
}

TEST_F(SandboxTest, RightsThatWereGivenUpAreMissed) {
  ASSERT_EQ(guest().call("fd_fdstat_set_rights", {kOther, rights::kPathOpen, rights::kFdRead}), Errno::kSuccess);
  EXPECT_EQ(guest().make_directory(kOther, "x"), Errno::kNotcapable);
  EXPECT_EQ(guest().create(kOther, "x"), Errno::kNotcapable);
  EXPECT_EQ(guest().call("fd_readdir", {kOther, 64, 64, 0, 256}), Errno::kNotcapable);
}

TEST_F(SandboxTest, FifosDevicesAndSocketsAreNotOpened) {
  scratch_.make_fifo("rw/fifo");
  sockaddr_un address{.sun_family = AF_UNIX};
  std::string socket_path = scratch_.path("rw/socket");
  ASSERT_LT(socket_path.size(), sizeof(address.sun_path));
  socket_path.copy(address.sun_path, socket_path.size());
  FileHandle listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  guest().symlink("fifo", kWritable, "to-fifo");
  for (std::string_view name : {"fifo", "socket", "to-fifo"})
    for (Rights access : {rights::kFdRead, rights::kFdWrite, FileGuest::kReadWrite, Rights{0}})
      EXPECT_EQ(guest().open_path(kWritable, name, {.rights = access}), Errno::kAcces) << name;
  FileGuest devices(GuestOptions{.preopens = {{"/dev", "/dev", Access::kReadOnly}}});
  EXPECT_EQ(devices.open_path(3, "null", {}), Errno::kAcces);
  EXPECT_EQ(devices.open_path(3, "tty", {}), Errno::kAcces);
}

TEST_F(SandboxTest, PathsOfAnyShapeAreAnswered) {
  EXPECT_EQ(guest().open_path(kWritable, "", {}), Errno::kNoent);
  EXPECT_EQ(guest().open_path(kWritable, std::string_view("own\0x", 5), {}), Errno::kInval);
  EXPECT_EQ(guest().open_path(kWritable, std::string(5000, 'a'), {}), Errno::kNametoolong);
  EXPECT_EQ(guest().open_path(kWritable, std::string(300, 'a'), {}), Errno::kNametoolong);
  EXPECT_EQ(guest().make_directory(kWritable, "own/x"), Errno::kNotdir);
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "../";
  EXPECT_EQ(guest().open_path(kWritable, deep, {}), Errno::kPerm);
  EXPECT_EQ(guest().create(kWritable, "\xff\xfe"), Errno::kSuccess) << "bytes are names";
}

TEST_F(SandboxTest, OnlyDirectoriesHavePathsBeneath) {
  Fd file = 0;
  ASSERT_EQ(guest().open_path(kWritable, "own", {}, &file), Errno::kSuccess);
  for (Fd fd : {0u, 1u, file}) EXPECT_EQ(guest().open_path(fd, "x", {}), Errno::kNotdir);
  EXPECT_EQ(guest().open_path(99, "x", {}), Errno::kBadf);
  EXPECT_EQ(guest().rename(kWritable, "own", file, "x"), Errno::kNotdir);
}

// Another thread turns a name from a directory into a link that leads out, and back, as fast as it can.
TEST_F(SandboxTest, ARenameRaceOpensNoGap) {
  namespace fs = std::filesystem;
  fs::path inside = scratch_.root() / "rw";
  scratch_.make_directory("rw/swap");
  scratch_.write("rw/swap/secret", "harmless");
  scratch_.symlink("../outside", "rw/link");
  std::atomic<bool> stop{false};
  std::thread attacker([&] {
    std::error_code ignored;
    while (!stop) {
      fs::rename(inside / "swap", inside / "parked", ignored);
      fs::rename(inside / "link", inside / "swap", ignored);
      fs::rename(inside / "swap", inside / "link", ignored);
      fs::rename(inside / "parked", inside / "swap", ignored);
    }
  });
  int harmless = 0;
  // The attacker may be off the CPU for all of a short race, with the name gone.
  for (int i = 0; i < 3000 || harmless == 0; ++i) {
    Read read = guest().read_path(kWritable, i % 2 == 0 ? "swap/secret" : "sub/../swap/secret");
    EXPECT_NE(read.bytes, "secret");
    harmless += read.bytes == "harmless";
    (void)guest().create(kWritable, "swap/planted");
  }
  stop = true;
  attacker.join();
  EXPECT_GT(harmless, 0);
  EXPECT_EQ(scratch_.read("outside/secret"), "secret");
  EXPECT_FALSE(scratch_.exists("outside/planted"));
}

}  // namespace
}  // namespace fiso::wasm::wasi

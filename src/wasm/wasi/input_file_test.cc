// The input as a file in memory: the directory /stdin and what is in it.
#include <gtest/gtest.h>

#include "wasm/wasi/testing/file_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FileGuest;
using Read = FileGuest::Read;

constexpr Fd kDir = 3;
constexpr std::array<std::string_view, 2> kPieces{"{\"a\":", "12}"};

class InputFileTest : public ::testing::Test {
 protected:
  void give() { guest_.guest.give_input(kPieces, InputEnd::kEof); }
  Fd open() {
    Fd fd = 0;
    EXPECT_EQ(guest_.open_path(kDir, "input.json", {}, &fd), Errno::kSuccess);
    return fd;
  }
  FileGuest guest_{GuestOptions{.stdin_file = true}};
};

TEST_F(InputFileTest, ItsDirectoryIsAPreopenOfThatName) {
  GuestPointer at = guest_.room(8), name = guest_.room(8);
  ASSERT_EQ(guest_.call("fd_prestat_get", {kDir, at}), Errno::kSuccess);
  ASSERT_EQ(guest_.call("fd_prestat_dir_name", {kDir, name, 6}), Errno::kSuccess);
  EXPECT_EQ(guest_.text(name, 6), "/stdin");
  EXPECT_FALSE(guest_.config->has_files());
}

TEST_F(InputFileTest, HoldsTheSameBytesAsStdinForEachWhoOpensIt) {
  give();
  Fd one = open(), two = open();
  EXPECT_EQ(guest_.read(one, 3), (Read{Errno::kSuccess, "{\"a"}));
  EXPECT_EQ(guest_.read(two), (Read{Errno::kSuccess, "{\"a\":12}"}));
  EXPECT_EQ(guest_.read(one), (Read{Errno::kSuccess, "\":12}"}));
  EXPECT_EQ(guest_.read(one), (Read{Errno::kSuccess, ""}));
  EXPECT_EQ(guest_.read(0), (Read{Errno::kSuccess, "{\"a\":12}"}));
}

TEST_F(InputFileTest, CanBePositioned) {
  give();
  Fd fd = open();
  uint64_t at = 0;
  EXPECT_EQ(guest_.seek(fd, -3, whence::kEnd, &at), Errno::kSuccess);
  EXPECT_EQ(at, 5u);
  EXPECT_EQ(guest_.read(fd).bytes, "12}");
  EXPECT_EQ(guest_.pread(fd, 2, 3), (Read{Errno::kSuccess, "\":"}));
  EXPECT_EQ(guest_.pread(fd, 2, 100), (Read{Errno::kSuccess, ""}));
  EXPECT_EQ(guest_.seek(fd, 1000, whence::kSet), Errno::kSuccess);
  EXPECT_EQ(guest_.read(fd), (Read{Errno::kSuccess, ""}));
  EXPECT_EQ(guest_.seek(fd, -1001, whence::kCur), Errno::kInval);
  EXPECT_EQ(guest_.seek(fd, INT64_MAX, whence::kCur), Errno::kOverflow);
  EXPECT_EQ(guest_.seek(fd, 0, 9), Errno::kInval);
  GuestPointer tell = guest_.room(8);
  EXPECT_EQ(guest_.call("fd_tell", {fd, tell}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint64_t>(tell), 1000u);
}

TEST_F(InputFileTest, TellsItsSize) {
  give();
  GuestPointer at = guest_.room(filestat::kSize);
  ASSERT_EQ(guest_.stat_path(kDir, "./input.json", at), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint64_t>(at + filestat::kFileSize), 8u);
  EXPECT_EQ(guest_.get<Filetype>(at + filestat::kFiletype), Filetype::kRegularFile);
  ASSERT_EQ(guest_.call("fd_filestat_get", {open(), at}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint64_t>(at + filestat::kFileSize), 8u);
  ASSERT_EQ(guest_.stat_path(kDir, ".", at), Errno::kSuccess);
  EXPECT_EQ(guest_.get<Filetype>(at + filestat::kFiletype), Filetype::kDirectory);
}

TEST_F(InputFileTest, WhateverNeedsTheInputWaitsForIt) {
  GuestPointer at = guest_.room(filestat::kSize), result = guest_.room(4);
  std::string_view path = "input.json";
  for (int i = 0; i < 2; ++i) {
    FileGuest guest(guest_.config);
    Errno error = i == 0 ? guest.stat_path(kDir, path, at) : guest.open_path(kDir, path, {});
    EXPECT_EQ(error, Errno::kAgain);
    ASSERT_EQ(guest.parked->kind(), PendingCall::Kind::kInput);
    guest.guest.give_input(kPieces, InputEnd::kEof);
    EXPECT_EQ(guest.resume(), Errno::kSuccess);
  }
  EXPECT_EQ(guest_.call("path_open", {kDir, 0, guest_.put(path), path.size(), 0, rights::kFdRead, 0, 0, result}), Errno::kAgain);
  give();
  ASSERT_EQ(guest_.resume(), Errno::kSuccess);
  EXPECT_EQ(guest_.read(guest_.get<uint32_t>(result)).bytes, "{\"a\":12}");
}

TEST_F(InputFileTest, AnEmptyInputIsAnEmptyFile) {
  guest_.guest.give_input({}, InputEnd::kEof);
  EXPECT_EQ(guest_.read(open()), (Read{Errno::kSuccess, ""}));
}

TEST_F(InputFileTest, NothingThereCanBeChanged) {
  give();
  Fd fd = open();
  EXPECT_EQ(guest_.write(fd, "x"), Errno::kBadf);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", {fd, 0}), Errno::kRofs);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", {fd, 1, 1, fstflags::kMtim}), Errno::kRofs);
  EXPECT_EQ(guest_.call("fd_allocate", {fd, 0, 1}), Errno::kRofs);
  EXPECT_EQ(guest_.open_path(kDir, "input.json", {.rights = rights::kFdWrite}), Errno::kRofs);
  EXPECT_EQ(guest_.open_path(kDir, "input.json", {.oflags = oflags::kTrunc}), Errno::kRofs);
  EXPECT_EQ(guest_.create(kDir, "other"), Errno::kRofs);
  EXPECT_EQ(guest_.make_directory(kDir, "dir"), Errno::kRofs);
  EXPECT_EQ(guest_.unlink(kDir, "input.json"), Errno::kRofs);
  EXPECT_EQ(guest_.remove_directory(kDir, "."), Errno::kRofs);
  EXPECT_EQ(guest_.rename(kDir, "input.json", kDir, "x"), Errno::kRofs);
  EXPECT_EQ(guest_.link(kDir, "input.json", kDir, "x"), Errno::kRofs);
  EXPECT_EQ(guest_.symlink("input.json", kDir, "x"), Errno::kRofs);
  EXPECT_EQ(guest_.touch(kDir, "input.json", 1), Errno::kRofs);
  EXPECT_EQ(guest_.call("fd_sync", {fd}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_advise", {fd, 0, 1, advice::kSequential}), Errno::kSuccess);
}

TEST_F(InputFileTest, NothingElseIsThere) {
  give();
  EXPECT_EQ(guest_.open_path(kDir, "other", {}), Errno::kNoent);
  EXPECT_EQ(guest_.open_path(kDir, "input.json/", {}), Errno::kNoent);
  EXPECT_EQ(guest_.open_path(kDir, "input.json/x", {}), Errno::kNoent);
  EXPECT_EQ(guest_.open_path(kDir, "input.json", {.oflags = oflags::kDirectory}), Errno::kNotdir);
  for (std::string_view path : {"..", "../input.json", "./../x", "/input.json"})
    EXPECT_EQ(guest_.open_path(kDir, path, {}), Errno::kPerm) << path;
  EXPECT_EQ(guest_.readlink(kDir, "input.json").error, Errno::kInval);
  EXPECT_EQ(guest_.readlink(kDir, "../x").error, Errno::kPerm);
}

TEST_F(InputFileTest, ItsDirectoryCanBeOpenedAndListed) {
  give();
  Fd again = 0;
  ASSERT_EQ(guest_.open_path(kDir, ".", {.oflags = oflags::kDirectory}, &again), Errno::kSuccess);
  GuestPointer buffer = guest_.room(256), used = guest_.room(4);
  ASSERT_EQ(guest_.call("fd_readdir", {again, buffer, 256, 0, used}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint32_t>(used), 3 * dirent::kSize + 1 + 2 + 10);
  ASSERT_EQ(guest_.call("fd_readdir", {again, buffer, 256, 2, used}), Errno::kSuccess);
  EXPECT_EQ(guest_.text(buffer + dirent::kSize, 10), "input.json");
  ASSERT_EQ(guest_.call("fd_readdir", {again, buffer, 256, 3, used}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint32_t>(used), 0u);
  EXPECT_EQ(guest_.read_path(again, "input.json").bytes, "{\"a\":12}");
}

}  // namespace
}  // namespace fiso::wasm::wasi

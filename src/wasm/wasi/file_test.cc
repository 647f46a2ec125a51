// Files and directories of the host, used as a well-behaved guest uses them.
#include <gmock/gmock.h>

#include <set>

#include "wasm/wasi/testing/file_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FileGuest;
using testing::ScratchDirectory;
using ::testing::UnorderedElementsAre;
using Read = FileGuest::Read;

constexpr Fd kDir = 3;

class FileTest : public ::testing::Test {
 protected:
  Fd create(std::string_view path, std::string_view content = "") {
    Fd fd = 0;
    EXPECT_EQ(guest_.create(kDir, path, &fd), Errno::kSuccess);
    if (!content.empty()) EXPECT_EQ(guest_.write(fd, content), Errno::kSuccess);
    return fd;
  }
  uint64_t position(Fd fd) {
    GuestPointer at = guest_.room(8);
    EXPECT_EQ(guest_.call("fd_tell", {fd, at}), Errno::kSuccess);
    return guest_.get<uint64_t>(at);
  }
  template <class T>
  T stat(std::string_view path, uint32_t field) {
    GuestPointer at = guest_.room(filestat::kSize);
    EXPECT_EQ(guest_.stat_path(kDir, path, at, 0), Errno::kSuccess);
    return guest_.get<T>(at + field);
  }

  ScratchDirectory scratch_;
  FileGuest guest_{GuestOptions{.preopens = {{"/data", scratch_.root().string(), Access::kReadWrite}}}};
};

TEST_F(FileTest, PreopensAreToldByNameFromThreeOn) {
  GuestPointer at = guest_.room(8), name = guest_.room(16);
  ASSERT_EQ(guest_.call("fd_prestat_get", {3, at}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint8_t>(at), kPreopentypeDir);
  ASSERT_EQ(guest_.get<uint32_t>(at + prestat::kDirNameLen), 5u);
  ASSERT_EQ(guest_.call("fd_prestat_dir_name", {3, name, 5}), Errno::kSuccess);
  EXPECT_EQ(guest_.text(name, 5), "/data");
  EXPECT_EQ(guest_.call("fd_prestat_dir_name", {3, name, 4}), Errno::kNametoolong);
  EXPECT_EQ(guest_.call("fd_prestat_dir_name", {3, FileGuest::kEnd - 4, 5}), Errno::kFault);
  EXPECT_EQ(guest_.call("fd_prestat_get", {4, at}), Errno::kBadf);
  EXPECT_EQ(guest_.call("fd_prestat_get", {1, at}), Errno::kBadf);
}

TEST_F(FileTest, WhatIsWrittenIsOnTheHostAndCanBeRead) {
  Fd fd = create("a.txt", "hello");
  EXPECT_EQ(scratch_.read("a.txt"), "hello");
  EXPECT_EQ(guest_.seek(fd, 1, whence::kSet), Errno::kSuccess);
  EXPECT_EQ(guest_.read(fd), (Read{Errno::kSuccess, "ello"}));
  EXPECT_EQ(guest_.read(fd), (Read{Errno::kSuccess, ""}));
  EXPECT_EQ(guest_.pread(fd, 3, 2), (Read{Errno::kSuccess, "llo"}));
  EXPECT_EQ(position(fd), 5u);
}

TEST_F(FileTest, WritingAtAnOffsetLeavesThePosition) {
  Fd fd = create("a", "hello");
  GuestPointer list = guest_.vectors({{guest_.put("J"), 1}});
  ASSERT_EQ(guest_.call("fd_pwrite", {fd, list, 1, 0, guest_.room(4)}), Errno::kSuccess);
  EXPECT_EQ(scratch_.read("a"), "Jello");
  EXPECT_EQ(position(fd), 5u);
  EXPECT_EQ(guest_.call("fd_pwrite", {fd, list, 1, UINT64_MAX, guest_.room(4)}), Errno::kInval);
  EXPECT_EQ(guest_.call("fd_pread", {fd, list, 1, uint64_t{1} << 63, guest_.room(4)}), Errno::kInval);
}

TEST_F(FileTest, SeekingGoesFromTheStartThePositionAndTheEnd) {
  Fd fd = create("a", "0123456789");
  uint64_t at = 0;
  EXPECT_EQ(guest_.seek(fd, -3, whence::kEnd, &at), Errno::kSuccess);
  EXPECT_EQ(at, 7u);
  EXPECT_EQ(guest_.seek(fd, -2, whence::kCur, &at), Errno::kSuccess);
  EXPECT_EQ(at, 5u);
  EXPECT_EQ(guest_.seek(fd, -1, whence::kSet), Errno::kInval);
  EXPECT_EQ(guest_.seek(fd, 0, 3), Errno::kInval);
  EXPECT_EQ(guest_.call("fd_seek", {fd, 0, whence::kSet, FileGuest::kEnd - 7}), Errno::kFault);
  EXPECT_EQ(guest_.seek(kDir, 0, whence::kSet), Errno::kIsdir);
}

TEST_F(FileTest, OneCallMovesAtMostAMebibyte) {
  Fd fd = create("big");
  GuestPointer count = guest_.room(4), list = guest_.vectors({{0, 2u << 20}});
  ASSERT_EQ(guest_.call("fd_write", {fd, list, 1, count}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint32_t>(count), 1u << 20);
  ASSERT_EQ(guest_.call("fd_pread", {fd, guest_.vectors({{0, 2u << 20}}), 1, 0, count}), Errno::kSuccess);
  EXPECT_EQ(guest_.get<uint32_t>(count), 1u << 20);
}

TEST_F(FileTest, TheFlagsOfOpenMeanWhatTheySay) {
  Fd fd = create("a", "hello");
  EXPECT_EQ(guest_.open_path(kDir, "a", {.oflags = oflags::kCreat | oflags::kExcl}), Errno::kExist);
  EXPECT_EQ(guest_.open_path(kDir, "a", {.oflags = oflags::kDirectory}), Errno::kNotdir);
  EXPECT_EQ(guest_.open_path(kDir, ".", {.oflags = oflags::kDirectory}), Errno::kSuccess);
  EXPECT_EQ(guest_.open_path(kDir, "b", {}), Errno::kNoent);
  EXPECT_EQ(guest_.open_path(kDir, "b", {.oflags = oflags::kCreat | oflags::kDirectory}), Errno::kInval);
  EXPECT_EQ(guest_.open_path(kDir, "a", {.oflags = 16}), Errno::kInval);
  EXPECT_EQ(guest_.open_path(kDir, "a", {.fdflags = 32}), Errno::kInval);
  EXPECT_EQ(guest_.open_path(kDir, ".", {.rights = FileGuest::kReadWrite}), Errno::kIsdir);
  EXPECT_EQ(guest_.open_path(kDir, "a", {.rights = FileGuest::kReadWrite, .oflags = oflags::kTrunc}), Errno::kSuccess);
  EXPECT_EQ(scratch_.read("a"), "");
  EXPECT_EQ(guest_.call("fd_close", {fd}), Errno::kSuccess);
}

TEST_F(FileTest, AppendingWritesAtTheEnd) {
  create("log", "one,");
  Fd fd = 0;
  ASSERT_EQ(guest_.open_path(kDir, "log", {.rights = FileGuest::kReadWrite, .fdflags = fdflags::kAppend}, &fd), Errno::kSuccess);
  EXPECT_EQ(guest_.write(fd, "two,"), Errno::kSuccess);
  EXPECT_EQ(scratch_.read("log"), "one,two,");
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", {fd, 0}), Errno::kSuccess);
  EXPECT_EQ(guest_.seek(fd, 0, whence::kSet), Errno::kSuccess);
  EXPECT_EQ(guest_.write(fd, "ONE"), Errno::kSuccess);
  EXPECT_EQ(scratch_.read("log"), "ONE,two,");
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", {fd, fdflags::kSync}), Errno::kNotsup);
  EXPECT_EQ(guest_.call("fd_fdstat_set_flags", {fd, 64}), Errno::kInval);
}

TEST_F(FileTest, AFileOpenedForReadingIsNotWritten) {
  create("a", "hello");
  Fd reads = 0, writes = 0;
  ASSERT_EQ(guest_.open_path(kDir, "a", {}, &reads), Errno::kSuccess);
  EXPECT_EQ(guest_.write(reads, "x"), Errno::kBadf);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", {reads, 0}), Errno::kNotcapable);
  EXPECT_EQ(guest_.call("fd_allocate", {reads, 0, 100}), Errno::kNotcapable);
  ASSERT_EQ(guest_.open_path(kDir, "a", {.rights = rights::kFdWrite}, &writes), Errno::kSuccess);
  EXPECT_EQ(guest_.read(writes).error, Errno::kBadf);
  EXPECT_EQ(scratch_.read("a"), "hello");
}

TEST_F(FileTest, SizesAndTimesCanBeSetAndRead) {
  Fd fd = create("a", "hello");
  EXPECT_EQ(guest_.call("fd_filestat_set_size", {fd, 3}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_filestat_set_size", {fd, UINT64_MAX}), Errno::kFbig);
  EXPECT_EQ(guest_.call("fd_allocate", {fd, 0, 4096}), Errno::kSuccess);
  EXPECT_EQ(stat<uint64_t>("a", filestat::kFileSize), 4096u);
  EXPECT_EQ(stat<Filetype>("a", filestat::kFiletype), Filetype::kRegularFile);
  uint64_t time_ns = 1'234'567'890'123'456'789;
  EXPECT_EQ(guest_.call("fd_filestat_set_times", {fd, time_ns, 0, fstflags::kAtim}), Errno::kSuccess);
  EXPECT_EQ(stat<uint64_t>("a", filestat::kAtim), time_ns);
  EXPECT_EQ(guest_.touch(kDir, "a", 5), Errno::kSuccess);
  EXPECT_EQ(stat<uint64_t>("a", filestat::kMtim), 5u);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", {fd, 1, 1, fstflags::kAtim | fstflags::kAtimNow}), Errno::kInval);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", {fd, UINT64_MAX, 1, fstflags::kAtim}), Errno::kInval);
  EXPECT_EQ(guest_.call("fd_filestat_set_times", {fd, 1, 1, 16}), Errno::kInval);
}

TEST_F(FileTest, SyncAndAdviceReachTheFile) {
  Fd fd = create("a", "hello");
  EXPECT_EQ(guest_.call("fd_sync", {fd}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_datasync", {fd}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_sync", {kDir}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_advise", {fd, 0, 5, advice::kWillneed}), Errno::kSuccess);
  EXPECT_EQ(guest_.call("fd_advise", {fd, 0, 5, 6}), Errno::kInval);
  EXPECT_EQ(guest_.call("fd_sync", {1}), Errno::kNotcapable);
  EXPECT_EQ(guest_.call("fd_sync", {77}), Errno::kBadf);
}

TEST_F(FileTest, DirectoriesAreMadeRenamedAndRemoved) {
  EXPECT_EQ(guest_.make_directory(kDir, "one"), Errno::kSuccess);
  EXPECT_EQ(guest_.make_directory(kDir, "one"), Errno::kExist);
  EXPECT_EQ(guest_.make_directory(kDir, "."), Errno::kExist);
  EXPECT_EQ(guest_.make_directory(kDir, "one/two/"), Errno::kSuccess);
  EXPECT_EQ(guest_.remove_directory(kDir, "one"), Errno::kNotempty);
  EXPECT_EQ(guest_.rename(kDir, "one/two", kDir, "three"), Errno::kSuccess);
  EXPECT_EQ(guest_.rename(kDir, ".", kDir, "four"), Errno::kBusy);
  EXPECT_EQ(guest_.unlink(kDir, "three"), Errno::kIsdir);
  EXPECT_EQ(guest_.remove_directory(kDir, "three/"), Errno::kSuccess);
  EXPECT_EQ(guest_.remove_directory(kDir, "one/."), Errno::kInval);
  EXPECT_EQ(guest_.remove_directory(kDir, "one"), Errno::kSuccess);
}

TEST_F(FileTest, ASlashAtTheEndWantsADirectory) {
  create("a");
  EXPECT_EQ(guest_.unlink(kDir, "a/"), Errno::kNotdir);
  EXPECT_EQ(guest_.rename(kDir, "a/", kDir, "b"), Errno::kNotdir);
  EXPECT_EQ(guest_.link(kDir, "a/", kDir, "b"), Errno::kPerm);
  EXPECT_EQ(guest_.create(kDir, "c/"), Errno::kIsdir);
  EXPECT_TRUE(scratch_.exists("a"));
  EXPECT_FALSE(scratch_.exists("b"));
}

TEST_F(FileTest, LinksOfBothKindsWorkInside) {
  create("a", "hello");
  EXPECT_EQ(guest_.link(kDir, "a", kDir, "hard"), Errno::kSuccess);
  EXPECT_EQ(stat<uint64_t>("hard", filestat::kNlink), 2u);
  EXPECT_EQ(guest_.link(kDir, "a", kDir, "x", lookupflags::kSymlinkFollow), Errno::kInval);
  EXPECT_EQ(guest_.symlink("a", kDir, "soft"), Errno::kSuccess);
  EXPECT_EQ(stat<Filetype>("soft", filestat::kFiletype), Filetype::kSymbolicLink);
  EXPECT_EQ(guest_.read_path(kDir, "soft"), (Read{Errno::kSuccess, "hello"}));
  EXPECT_EQ(guest_.open_path(kDir, "soft", {.lookup = 0}), Errno::kLoop);
  EXPECT_EQ(guest_.readlink(kDir, "soft"), (Read{Errno::kSuccess, "a"}));
  EXPECT_EQ(guest_.readlink(kDir, "a").error, Errno::kInval);
  EXPECT_EQ(guest_.symlink("loop", kDir, "loop"), Errno::kSuccess);
  EXPECT_EQ(guest_.open_path(kDir, "loop", {}), Errno::kLoop);
  EXPECT_EQ(guest_.symlink("a-much-longer-target", kDir, "long"), Errno::kSuccess);
  EXPECT_EQ(guest_.readlink(kDir, "long", 6), (Read{Errno::kSuccess, "a-much"}));
}

TEST_F(FileTest, OpenDescriptorsAreLimited) {
  create("a");
  Errno error = Errno::kSuccess;
  int opened = 0;
  while ((error = guest_.open_path(kDir, "a", {})) == Errno::kSuccess) ++opened;
  EXPECT_EQ(error, Errno::kMfile);
  EXPECT_EQ(opened, 256 - 5);
  EXPECT_EQ(guest_.create(kDir, "never"), Errno::kMfile);
  EXPECT_FALSE(scratch_.exists("never"));
}

TEST_F(FileTest, AClosedNumberIsTheNextToBeUsedEvenOfStdio) {
  EXPECT_EQ(guest_.call("fd_close", {1}), Errno::kSuccess);
  EXPECT_EQ(create("stdout", "to the file"), 1u);
  EXPECT_EQ(guest_.guest.output(), "");
  EXPECT_EQ(scratch_.read("stdout"), "to the file");
}

TEST_F(FileTest, AFileCanBeRenumberedOntoStdout) {
  Fd fd = create("out");
  EXPECT_EQ(guest_.call("fd_renumber", {fd, 1}), Errno::kSuccess);
  EXPECT_EQ(guest_.write(1, "x"), Errno::kSuccess);
  EXPECT_EQ(guest_.write(fd, "x"), Errno::kBadf);
  EXPECT_EQ(scratch_.read("out"), "x");
}

TEST_F(FileTest, BlockingWorkOutlivesItsGuest) {
  create("a", "hello");
  auto guest = std::make_unique<FileGuest>(guest_.config);
  Fd fd = 0;
  ASSERT_EQ(guest->open_path(kDir, "a", {}, &fd), Errno::kSuccess);
  Outcome outcome = guest->start("fd_read", {fd, guest->vectors({{64, 8}}), 1, 128});
  ASSERT_TRUE(outcome.pending());
  std::unique_ptr<PendingCall> call = outcome.take_pending();
  guest.reset();
  call->run();
}

// ---- listings

struct Listed {
  std::set<std::string> names;
  int calls = 0;
};

// Reads a directory as C libraries do: a small buffer, and on from the last whole entry.
Listed list(FileGuest& guest, Fd fd, uint32_t buffer_size) {
  Listed listed;
  GuestPointer buffer = guest.room(buffer_size), used_at = guest.room(4);
  for (uint64_t cookie = 0;;) {
    ++listed.calls;
    EXPECT_EQ(guest.call("fd_readdir", {fd, buffer, buffer_size, cookie, used_at}), Errno::kSuccess);
    auto used = guest.get<uint32_t>(used_at);
    uint32_t at = 0;
    while (at + dirent::kSize <= used) {
      auto length = guest.get<uint32_t>(buffer + at + dirent::kNamlen);
      if (at + dirent::kSize + length > used) break;
      listed.names.insert(guest.text(buffer + at + dirent::kSize, length));
      cookie = guest.get<uint64_t>(buffer + at + dirent::kNext);
      at += dirent::kSize + length;
    }
    if (used < buffer_size || at == 0) return listed;
  }
}

TEST_F(FileTest, AListingNamesEverythingOnce) {
  create("a");
  create("b");
  guest_.make_directory(kDir, "c");
  EXPECT_THAT(list(guest_, kDir, 4096).names, UnorderedElementsAre(".", "..", "a", "b", "c"));
  EXPECT_EQ(guest_.call("fd_readdir", {1, 64, 64, 0, 128}), Errno::kNotdir);
  EXPECT_EQ(guest_.call("fd_readdir", {kDir, FileGuest::kEnd - 63, 64, 0, 128}), Errno::kFault);
  EXPECT_EQ(guest_.call("fd_readdir", {kDir, 64, 64, 0, FileGuest::kEnd}), Errno::kFault);
}

TEST_F(FileTest, ASmallBufferNeedsMoreCallsForTheSameListing) {
  std::set<std::string> expected{".", ".."};
  for (int i = 0; i < 300; ++i) {
    std::string name = "file-" + std::to_string(i);
    scratch_.write(name, "");
    expected.insert(name);
  }
  Listed small = list(guest_, kDir, 200);
  EXPECT_EQ(small.names, expected);
  EXPECT_GT(small.calls, 40);
  EXPECT_EQ(list(guest_, kDir, 65536).names, expected);
}

TEST_F(FileTest, ACookieFromNowhereDoesNoHarm) {
  create("a");
  for (uint64_t cookie : {uint64_t{1}, uint64_t{12345}, uint64_t{1} << 62, uint64_t{1} << 63, UINT64_MAX})
    (void)guest_.call("fd_readdir", {kDir, 1024, 1024, cookie, 64});
  EXPECT_THAT(list(guest_, kDir, 4096).names, UnorderedElementsAre(".", "..", "a"));
}

TEST(Preopens, HaveToBeDirectories) {
  ScratchDirectory scratch;
  scratch.write("file", "");
  auto missing = GuestConfig::open({.preopens = {{"/a", scratch.path("missing"), Access::kReadOnly}}});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::kInvalidConfig);
  EXPECT_EQ(missing.error().message().find(scratch.root().string()), std::string::npos) << "paths are for the log";
  EXPECT_FALSE(GuestConfig::open({.preopens = {{"/a", scratch.path("file"), Access::kReadOnly}}}).has_value());
  EXPECT_FALSE(GuestConfig::open({.preopens = {{"", scratch.root().string(), Access::kReadOnly}}}).has_value());
}

}  // namespace
}  // namespace fiso::wasm::wasi

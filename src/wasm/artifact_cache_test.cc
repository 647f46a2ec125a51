#include "wasm/artifact_cache.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>

#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm {
namespace {

using std::filesystem::perms;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kFingerprint = "engine 1; settings; cpu";

std::span<const uint8_t> bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

std::string text_of(const FileHandle& file) {
  auto mapped = MappedFile::map(file);
  return mapped.has_value() ? std::string(mapped->bytes().begin(), mapped->bytes().end()) : "unreadable";
}

class ArtifactCacheTest : public ::testing::Test {
 protected:
  ArtifactCache open() {
    auto cache = ArtifactCache::open(directory_);
    FISO_CHECK(cache.has_value(), cache.has_value() ? "" : cache.error().describe());
    return std::move(*cache);
  }
  std::string why_not(const std::string& directory) {
    auto cache = ArtifactCache::open(directory);
    return cache.has_value() ? "opened" : cache.error().message();
  }
  std::filesystem::path file(const std::string& extension) { return std::filesystem::path(directory_) / (key_ + extension); }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) found.push_back(entry.path().filename());
    return found;
  }

  wasi::testing::ScratchDirectory scratch_;
  std::string directory_ = scratch_.path("modules");
  std::string key_ = ArtifactCache::key(bytes_of("module"), kFingerprint);
};

TEST_F(ArtifactCacheTest, GivesBackWhatWasStored) {
  ArtifactCache cache = open();
  EXPECT_FALSE(cache.find(key_).has_value());
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  auto found = cache.find(key_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(text_of(*found), "native code");
  EXPECT_THAT(names(), UnorderedElementsAre(key_ + ".artifact", key_ + ".sha256"));
}

TEST_F(ArtifactCacheTest, AnotherProcessFindsItToo) {
  ASSERT_TRUE(open().store(key_, bytes_of("native code")).has_value());
  EXPECT_TRUE(open().find(key_).has_value());
}

TEST_F(ArtifactCacheTest, TheKeyTellsModulesAndEnginesApart) {
  EXPECT_EQ(key_, ArtifactCache::key(bytes_of("module"), kFingerprint));
  EXPECT_NE(key_, ArtifactCache::key(bytes_of("modulf"), kFingerprint));
  EXPECT_NE(key_, ArtifactCache::key(bytes_of("module"), "engine 2"));
  EXPECT_EQ(key_.size(), 64u);
}

TEST_F(ArtifactCacheTest, TheDirectoryIsMadePrivate) {
  directory_ = scratch_.path("made/on/the/way");
  open();
  EXPECT_EQ(std::filesystem::status(directory_).permissions(), perms::owner_all);
}

TEST_F(ArtifactCacheTest, EntriesAreForTheirOwnerOnly) {
  ASSERT_TRUE(open().store(key_, bytes_of("native code")).has_value());
  for (const char* extension : {".artifact", ".sha256"})
    EXPECT_EQ(std::filesystem::status(file(extension)).permissions(), perms::owner_read | perms::owner_write);
}

TEST_F(ArtifactCacheTest, ADamagedArtifactIsNotTrusted) {
  ArtifactCache cache = open();
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  scratch_.write("modules/" + key_ + ".artifact", "native cod3");
  EXPECT_FALSE(cache.find(key_).has_value());
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  EXPECT_TRUE(cache.find(key_).has_value());
}

TEST_F(ArtifactCacheTest, TheArtifactOfAnotherModuleIsNotTrusted) {
  ArtifactCache cache = open();
  std::string other = ArtifactCache::key(bytes_of("another module"), kFingerprint);
  ASSERT_TRUE(cache.store(other, bytes_of("other native code")).has_value());
  for (const char* extension : {".artifact", ".sha256"})
    std::filesystem::copy_file(std::filesystem::path(directory_) / (other + extension), file(extension));
  EXPECT_FALSE(cache.find(key_).has_value());
  EXPECT_TRUE(cache.find(other).has_value());
}

TEST_F(ArtifactCacheTest, ACutOffArtifactIsNotTrusted) {
  ArtifactCache cache = open();
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  for (const char* extension : {".artifact", ".sha256"}) {
    std::filesystem::resize_file(file(extension), 0);
    EXPECT_FALSE(cache.find(key_).has_value()) << extension;
    ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  }
}

TEST_F(ArtifactCacheTest, AnArtifactWithoutItsSumIsNotTrusted) {
  ArtifactCache cache = open();
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  std::filesystem::remove(file(".sha256"));
  EXPECT_FALSE(cache.find(key_).has_value());
}

TEST_F(ArtifactCacheTest, AFileThatOthersMayWriteIsNotTrusted) {
  ArtifactCache cache = open();
  for (const char* extension : {".artifact", ".sha256"}) {
    for (perms loose : {perms::group_write, perms::others_write}) {
      ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
      std::filesystem::permissions(file(extension), loose, std::filesystem::perm_options::add);
      EXPECT_FALSE(cache.find(key_).has_value()) << extension;
    }
  }
}

TEST_F(ArtifactCacheTest, AFileOfAnotherUserIsNotTrusted) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ArtifactCache cache = open();
  for (const char* extension : {".artifact", ".sha256"}) {
    ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
    ASSERT_EQ(chown(file(extension).c_str(), 65534, 65534), 0);
    EXPECT_FALSE(cache.find(key_).has_value()) << extension;
  }
}

TEST_F(ArtifactCacheTest, ALinkIsNotFollowed) {
  ArtifactCache cache = open();
  ASSERT_TRUE(cache.store(key_, bytes_of("native code")).has_value());
  std::filesystem::rename(file(".artifact"), scratch_.path("elsewhere"));
  std::filesystem::create_symlink(scratch_.path("elsewhere"), file(".artifact"));
  EXPECT_FALSE(cache.find(key_).has_value());
}

TEST_F(ArtifactCacheTest, WhatIsNotAFileIsNotWaitedFor) {
  ArtifactCache cache = open();
  scratch_.make_fifo("modules/" + key_ + ".artifact");
  scratch_.make_fifo("modules/" + key_ + ".sha256");
  EXPECT_FALSE(cache.find(key_).has_value());
}

TEST_F(ArtifactCacheTest, ADirectoryThatOthersMayWriteIsNotUsed) {
  scratch_.make_directory("modules");
  for (perms loose : {perms::group_write, perms::others_write}) {
    std::filesystem::permissions(directory_, perms::owner_all | loose);
    EXPECT_EQ(why_not(directory_), "it must belong to this user and be writable by nobody else");
  }
}

TEST_F(ArtifactCacheTest, ADirectoryOfAnotherUserIsNotUsed) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  scratch_.make_directory("modules");
  std::filesystem::permissions(directory_, perms::owner_all);
  ASSERT_EQ(chown(directory_.c_str(), 65534, 65534), 0);
  EXPECT_EQ(why_not(directory_), "it must belong to this user and be writable by nobody else");
}

TEST_F(ArtifactCacheTest, ADirectoryThatIsALinkIsNotUsed) {
  scratch_.make_directory("real");
  scratch_.symlink("real", "modules");
  EXPECT_THAT(why_not(directory_), HasSubstr("it is a symbolic link"));
}

TEST_F(ArtifactCacheTest, SaysWhyADirectoryIsNotUsed) {
  scratch_.write("file", "");
  EXPECT_EQ(why_not(""), "no directory: set FISO_CACHE_DIR");
  EXPECT_EQ(why_not(scratch_.path("file")), "Not a directory");
  EXPECT_EQ(why_not(scratch_.path("file/below")), "Not a directory");
  EXPECT_EQ(why_not("/proc/nothing/here"), "No such file or directory");
}

TEST_F(ArtifactCacheTest, AnEntryThatCannotBeWrittenIsAnError) {
  ArtifactCache cache = open();
  scratch_.make_directory("modules/" + key_ + ".artifact");
  auto stored = cache.store(key_, bytes_of("native code"));
  ASSERT_FALSE(stored.has_value());
  EXPECT_THAT(stored.error().describe(), HasSubstr("module cache " + directory_));
  EXPECT_FALSE(cache.find(key_).has_value());
  EXPECT_THAT(names(), UnorderedElementsAre(key_ + ".artifact", key_ + ".sha256"));  // nothing half-written
}

TEST_F(ArtifactCacheTest, ADirectoryThatWentAwayIsAnError) {
  ArtifactCache cache = open();
  std::filesystem::remove_all(directory_);
  EXPECT_FALSE(cache.store(key_, bytes_of("native code")).has_value());
  EXPECT_FALSE(cache.find(key_).has_value());
}

TEST_F(ArtifactCacheTest, ProcessesMayStoreTheSameEntryAtOnce) {
  std::string artifact(1 << 20, 'x');
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    pid_t child = fork();
    if (child == 0) {
      bool good = true;
      auto cache = ArtifactCache::open(directory_);
      for (int round = 0; round < 10 && good; ++round) {
        good = cache.has_value() && cache->store(key_, bytes_of(artifact)).has_value();
        auto found = good ? cache->find(key_) : std::nullopt;
        good = good && found.has_value() && text_of(*found) == artifact;
      }
      _exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_THAT(names(), UnorderedElementsAre(key_ + ".artifact", key_ + ".sha256"));
}

TEST(ArtifactCacheDirectory, IsNamedByTheEnvironment) {
  struct Variables {
    const char *fiso, *xdg, *home;
    std::string expected;
  };
  for (const Variables& set : {Variables{"/a", "/b", "/c", "/a"}, Variables{"", "/b", "/c", "/b/fiso/modules"},
                               Variables{"", "b", "/c", "/c/.cache/fiso/modules"}, Variables{"", "", "", ""}}) {
    setenv("FISO_CACHE_DIR", set.fiso, 1);
    setenv("XDG_CACHE_HOME", set.xdg, 1);
    setenv("HOME", set.home, 1);
    EXPECT_EQ(ArtifactCache::default_directory(), set.expected);
  }
}

}  // namespace
}  // namespace fiso::wasm

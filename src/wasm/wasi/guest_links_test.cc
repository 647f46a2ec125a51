// Links that guests make and move: those that stay inside are theirs to make, those that lead out never come to be.
#include "wasm/wasi/guest_links.h"

#include <gtest/gtest.h>

#include "wasm/wasi/testing/file_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FileGuest;
using testing::ScratchDirectory;
using Read = FileGuest::Read;

constexpr Fd kRoot = 3;
constexpr Fd kOther = 4;

class GuestLinksTest : public ::testing::Test {
 protected:
  GuestLinksTest() {
    scratch_.make_directory("root/a/b");
    scratch_.make_directory("other/x/y");
    scratch_.write("root/own", "own");
    scratch_.symlink("a/b", "root/short");
    guest_.emplace(GuestOptions{.preopens = {{"/root", scratch_.path("root"), Access::kReadWrite},
                                             {"/other", scratch_.path("other"), Access::kReadWrite}}});
  }

  FileGuest& guest() { return *guest_; }
  Fd open_directory(Fd from, std::string_view path) {
    Fd opened = 0;
    EXPECT_EQ(guest().open_path(from, path, {.oflags = oflags::kDirectory}, &opened), Errno::kSuccess) << path;
    return opened;
  }

  ScratchDirectory scratch_;
  std::optional<FileGuest> guest_;
};

TEST_F(GuestLinksTest, MayClimbAsFarAsThePreopen) {
  EXPECT_EQ(guest().symlink("../../own", kRoot, "a/b/link"), Errno::kSuccess);
  EXPECT_EQ(guest().read_path(kRoot, "a/b/link"), (Read{Errno::kSuccess, "own"}));
  EXPECT_EQ(guest().symlink("./..//./../own", kRoot, "a/b/dotted"), Errno::kSuccess);
  EXPECT_EQ(guest().symlink("..", kRoot, "a/root"), Errno::kSuccess) << "the preopen itself is inside";
  EXPECT_EQ(guest().symlink("../../../own", kRoot, "a/b/out"), Errno::kPerm);
  EXPECT_EQ(guest().symlink("../own", kRoot, "out"), Errno::kPerm);
  EXPECT_FALSE(scratch_.exists("root/a/b/out"));
}

// `a/..` is `..` of whatever `a` leads to, today or after it was replaced by a link.
TEST_F(GuestLinksTest, NamesAreNotClimbedBackFrom) {
  EXPECT_EQ(guest().symlink("b/../../own", kRoot, "a/link"), Errno::kPerm);
  EXPECT_EQ(guest().symlink("b/..", kRoot, "a/link"), Errno::kPerm);
  EXPECT_EQ(guest().symlink("/own", kRoot, "a/b/link"), Errno::kPerm);
}

TEST_F(GuestLinksTest, TheDirectoryCountsWhereItIsNotHowItIsReached) {
  EXPECT_EQ(guest().symlink("../../own", kRoot, "short/link"), Errno::kSuccess) << "root/short is root/a/b";
  EXPECT_EQ(guest().symlink("..", kRoot, "a/b/back"), Errno::kSuccess);
  EXPECT_EQ(guest().symlink("../../own", kRoot, "a/b/back/link"), Errno::kPerm) << "root/a/b/back is root/a";
  EXPECT_EQ(guest().symlink("../own", kRoot, "a/b/back/link"), Errno::kSuccess);
}

TEST_F(GuestLinksTest, ADirectoryThatWasOpenedKnowsItsPreopen) {
  Fd a = open_directory(kRoot, "a"), b = open_directory(a, "b");
  EXPECT_EQ(guest().symlink("../../own", b, "link"), Errno::kSuccess);
  EXPECT_EQ(guest().symlink("../../../own", b, "out"), Errno::kPerm);
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "b"), Errno::kPerm) << "its link would lead out";
  EXPECT_EQ(guest().unlink(b, "link"), Errno::kSuccess);
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "b"), Errno::kSuccess);
  EXPECT_EQ(guest().symlink("../../own", b, "link"), Errno::kPerm) << "it is higher up now";
  EXPECT_EQ(guest().symlink("../own", b, "link"), Errno::kSuccess);
}

TEST_F(GuestLinksTest, ADirectoryThatLeftItsPreopenGetsNoLinksThatClimb) {
  Fd a = open_directory(kRoot, "a");
  ASSERT_EQ(guest().rename(kRoot, "a", kOther, "x/a"), Errno::kSuccess);
  EXPECT_EQ(guest().symlink("../y", a, "link"), Errno::kPerm);
  EXPECT_EQ(guest().symlink("b", a, "link"), Errno::kSuccess);
}

TEST_F(GuestLinksTest, AMovedLinkIsJudgedAgain) {
  ASSERT_EQ(guest().symlink("../../own", kRoot, "a/b/link"), Errno::kSuccess);
  EXPECT_EQ(guest().rename(kRoot, "a/b/link", kRoot, "a/link"), Errno::kPerm);
  EXPECT_EQ(guest().link(kRoot, "a/b/link", kRoot, "link"), Errno::kPerm);
  EXPECT_EQ(guest().rename(kRoot, "a/b/link", kOther, "x/link"), Errno::kPerm);
  EXPECT_EQ(guest().rename(kRoot, "a/b/link", kOther, "x/y/link"), Errno::kSuccess) << "as deep as before";
}

TEST_F(GuestLinksTest, AMovedDirectoryIsLookedThrough) {
  ASSERT_EQ(guest().make_directory(kRoot, "a/b/c"), Errno::kSuccess);
  ASSERT_EQ(guest().symlink("../../../own", kRoot, "a/b/c/link"), Errno::kSuccess);
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "b"), Errno::kPerm);
  EXPECT_EQ(guest().rename(kRoot, "a/b/", kOther, "b"), Errno::kPerm);
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "a/d"), Errno::kSuccess) << "no higher";
  ASSERT_EQ(guest().unlink(kRoot, "a/d/c/link"), Errno::kSuccess);
  ASSERT_EQ(guest().symlink("../../own", kRoot, "a/d/c/link"), Errno::kSuccess);
  EXPECT_EQ(guest().rename(kRoot, "a/d", kRoot, "d"), Errno::kSuccess) << "it may climb so far from there too";
}

TEST_F(GuestLinksTest, WhatIsTooLargeToLookThroughIsToBeCopied) {
  for (size_t i = 0; i <= kMostEntriesToMove; ++i) scratch_.write("root/a/b/" + std::to_string(i), "");
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "b"), Errno::kXdev);
  EXPECT_EQ(guest().rename(kRoot, "a/b", kRoot, "a/c"), Errno::kSuccess) << "no higher, so nothing is asked";
  std::string deep = "a/deep";
  for (size_t i = 0; i <= kDeepestToMove; ++i) scratch_.make_directory("root/" + (deep += "/d"));
  EXPECT_EQ(guest().rename(kRoot, "a/deep", kRoot, "deep"), Errno::kXdev);
}

TEST(LinkClimb, CountsTheDotsBeforeTheFirstName) {
  EXPECT_EQ(link_climb("a/b..c/...d"), 0u);
  EXPECT_EQ(link_climb(""), 0u);
  EXPECT_EQ(link_climb("./..//../a"), 2u);
  EXPECT_EQ(link_climb("../"), 1u);
  EXPECT_EQ(link_climb("/a"), std::nullopt);
  EXPECT_EQ(link_climb("../a/.."), std::nullopt);
}

}  // namespace
}  // namespace fiso::wasm::wasi

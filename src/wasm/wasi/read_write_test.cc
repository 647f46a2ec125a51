// stdin, stdout and stderr as a guest sees them. Files are in file_test.cc, the input as a file in input_file_test.cc.
#include <gmock/gmock.h>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using ::testing::ElementsAre;
using testing::FakeGuest;
using Read = FakeGuest::Read;

constexpr std::array<std::string_view, 3> kPieces{"{\"order\":", "", "17}"};

TEST(Stdin, PiecesAreReadAsOneStream) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kEof);
  EXPECT_EQ(fake.read(0, 5), (Read{Errno::kSuccess, "{\"ord"}));
  EXPECT_EQ(fake.read(0), (Read{Errno::kSuccess, "er\":17}"}));
  EXPECT_EQ(fake.read(0), (Read{Errno::kSuccess, ""}));
}

TEST(Stdin, OneReadFillsSeveralBuffers) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kEof);
  GuestPointer a = fake.room(4), b = fake.room(8), count = fake.room(4);
  ASSERT_EQ(fake.call("fd_read", {0, fake.vectors({{a, 4}, {b, 0}, {b, 8}}), 3, count}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint32_t>(count), 12u);
  EXPECT_EQ(fake.text(a, 4) + fake.text(b, 8), "{\"order\":17}");
}

TEST(Stdin, AReadBeforeThereIsInputWaitsForIt) {
  FakeGuest fake;
  GuestPointer buffer = fake.room(100), count = fake.room(4);
  EXPECT_EQ(fake.call("fd_read", {0, fake.vectors({{buffer, 100}}), 1, count}), Errno::kAgain);
  ASSERT_EQ(fake.parked->kind(), PendingCall::Kind::kInput);
  EXPECT_EQ(fake.parked->until(), kNever);
  fake.guest.give_input(kPieces, InputEnd::kEof);
  EXPECT_EQ(fake.resume(), Errno::kSuccess);
  EXPECT_EQ(fake.text(buffer, fake.get<uint32_t>(count)), "{\"order\":17}");
}

TEST(Stdin, WithMoreToComeTheEndOfThePiecesIsNotTheEnd) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kMoreLater);
  EXPECT_EQ(fake.read(0).bytes, "{\"order\":17}");
  EXPECT_FALSE(fake.guest.has_input());
  EXPECT_EQ(fake.read(0).error, Errno::kAgain);
  const std::array<std::string_view, 1> next{"next"};
  fake.guest.give_input(next, InputEnd::kMoreLater);
  EXPECT_EQ(fake.resume(), Errno::kSuccess);
  EXPECT_EQ(fake.read(0).error, Errno::kAgain);
  fake.guest.end_input();
  EXPECT_EQ(fake.resume(), Errno::kSuccess);
  EXPECT_EQ(fake.read(0), (Read{Errno::kSuccess, ""}));
}

TEST(Stdin, ANonblockingReadDoesNotWait) {
  FakeGuest fake;
  ASSERT_EQ(fake.call("fd_fdstat_set_flags", {0, fdflags::kNonblock}), Errno::kSuccess);
  EXPECT_EQ(fake.read(0).error, Errno::kAgain);
  EXPECT_EQ(fake.parked, nullptr);
}

TEST(Stdin, AReadThatOverwritesItsOwnListStaysInside) {
  FakeGuest fake;
  std::string hostile(16, '\xff');
  std::array<std::string_view, 1> pieces{hostile};
  fake.guest.give_input(pieces, InputEnd::kEof);
  GuestPointer list = fake.vectors({{0, 8}, {0, 8}});
  fake.set<uint32_t>(list, list + 8);  // the first buffer is the second entry
  GuestPointer count = fake.room(4);
  EXPECT_EQ(fake.call("fd_read", {0, list, 2, count}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint32_t>(count), 8u);
}

TEST(Stdin, CannotBeWrittenOrPositioned) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kEof);
  GuestPointer list = fake.vectors({{64, 8}});
  EXPECT_EQ(fake.call("fd_write", {0, list, 1, 128}), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_pread", {0, list, 1, 0, 128}), Errno::kSpipe);
  EXPECT_EQ(fake.call("fd_pwrite", {1, list, 1, 0, 128}), Errno::kSpipe);
  EXPECT_EQ(fake.call("fd_seek", {0, 0, 0, 128}), Errno::kSpipe);
  EXPECT_EQ(fake.call("fd_tell", {1, 128}), Errno::kSpipe);
}

TEST(Stdout, CollectsWhatIsWritten) {
  FakeGuest fake;
  GuestPointer count = fake.room(4);
  GuestPointer list = fake.vectors({{fake.put("hello "), 6}, {0, 0}, {fake.put("world"), 5}});
  ASSERT_EQ(fake.call("fd_write", {1, list, 3, count}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint32_t>(count), 11u);
  EXPECT_EQ(fake.guest.take_output(), "hello world");
  EXPECT_EQ(fake.guest.output(), "");
}

TEST(Stdout, BeyondItsLimitTheWriteFailsAndTheGuestIsMarked) {
  FakeGuest fake({.limits = {.output = 8_B}});
  EXPECT_EQ(fake.write(1, "12345678"), Errno::kSuccess);
  EXPECT_FALSE(fake.guest.output_overflowed());
  EXPECT_EQ(fake.write(1, "9"), Errno::kNospc);
  EXPECT_TRUE(fake.guest.output_overflowed());
  EXPECT_EQ(fake.guest.output(), "12345678");
}

struct Budget final : OutputBudget {
  bool take(uint64_t bytes) override {
    if (bytes > left) return false;
    left -= bytes;
    return true;
  }
  void give_back(uint64_t bytes) override { left += bytes; }
  uint64_t left = (1_MiB).count;
};

TEST(Stdout, MuchOutputIsPaidForUntilItIsTaken) {
  Budget budget;
  FakeGuest fake({.limits = {.output = 300_KiB}}, &budget);
  const std::string block(kFreeOutput.count, 'x');
  EXPECT_EQ(fake.write(1, block), Errno::kSuccess);
  EXPECT_EQ(budget.left, (1_MiB).count);
  EXPECT_EQ(fake.write(1, "y"), Errno::kSuccess);
  EXPECT_EQ(budget.left, (960_KiB).count);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fake.write(1, block), Errno::kSuccess);
  EXPECT_EQ(budget.left, (788_KiB).count);  // up to its limit, less what is free
  EXPECT_EQ(fake.guest.take_output().size(), 4 * block.size() + 1);
  EXPECT_EQ(budget.left, (1_MiB).count);
}

TEST(Stdout, OutputThatTheBudgetHasNotLeftStopsTheGuest) {
  Budget budget;
  budget.left = (64_KiB).count;
  {
    FakeGuest fake(GuestOptions{}, &budget);
    EXPECT_EQ(fake.write(1, std::string((100_KiB).count, 'x')), Errno::kSuccess);
    EXPECT_FALSE(fake.guest.must_stop());
    EXPECT_EQ(fake.write(1, std::string((100_KiB).count, 'x')), Errno::kNospc);
    EXPECT_TRUE(fake.guest.must_stop());
    EXPECT_TRUE(fake.guest.output_unaffordable());
    EXPECT_FALSE(fake.guest.output_overflowed());
    EXPECT_EQ(fake.write(1, "x"), Errno::kNospc);
  }
  EXPECT_EQ(budget.left, (64_KiB).count);
}

TEST(Stdout, AListThatNamesTheSameBytesOftenCountsThemOften) {
  FakeGuest fake({.limits = {.output = 1_MiB}});
  GuestPointer list = fake.room(1024 * iovec::kSize);
  for (uint32_t i = 0; i < 1024; ++i) {
    fake.set<uint32_t>(list + i * 8, 0);
    fake.set<uint32_t>(list + i * 8 + 4, FakeGuest::kMemory);
  }
  EXPECT_EQ(fake.call("fd_write", {1, list, 1024, 64}), Errno::kNospc);
  EXPECT_TRUE(fake.guest.output_overflowed());
  EXPECT_EQ(fake.guest.output(), "");
}

TEST(Stderr, ReachesTheSinkLineByLine) {
  FakeGuest fake;
  EXPECT_EQ(fake.write(2, "one\ntwo \x1b[0m"), Errno::kSuccess);
  fake.guest.flush_stderr();
  EXPECT_THAT(fake.errors.lines, ElementsAre("one", "two \\x1b[0m"));
  EXPECT_EQ(fake.guest.output(), "");
}

TEST(Stderr, TakesAtMostAMebibyteAtOnce) {
  FakeGuest fake;
  GuestPointer count = fake.room(4);
  GuestPointer list = fake.vectors({{0, 3u << 20}, {0, 3u << 20}});
  ASSERT_EQ(fake.call("fd_write", {2, list, 2, count}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint32_t>(count), 1u << 20);
}

TEST(Stdio, AClosedDescriptorIsBad) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kEof);
  for (Fd fd : {0u, 1u, 2u}) EXPECT_EQ(fake.call("fd_close", {fd}), Errno::kSuccess);
  EXPECT_EQ(fake.read(0).error, Errno::kBadf);
  EXPECT_EQ(fake.write(1, "x"), Errno::kBadf);
  EXPECT_EQ(fake.write(2, "x"), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_close", {1}), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_fdstat_get", {1, 64}), Errno::kBadf);
  EXPECT_EQ(fake.guest.take_output(), "");
}

TEST(Stdio, StdoutCanBeRenumbered) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("fd_renumber", {1, 7}), Errno::kSuccess);
  EXPECT_EQ(fake.write(1, "no"), Errno::kBadf);
  EXPECT_EQ(fake.write(7, "yes"), Errno::kSuccess);
  EXPECT_EQ(fake.call("fd_renumber", {7, 2}), Errno::kSuccess);
  EXPECT_EQ(fake.write(2, "!"), Errno::kSuccess);
  EXPECT_EQ(fake.guest.take_output(), "yes!");
}

TEST(Stdio, RenumberingStaysWithinTheLimit) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("fd_renumber", {1, 1}), Errno::kSuccess);
  EXPECT_EQ(fake.call("fd_renumber", {9, 1}), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_renumber", {1, 256}), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_renumber", {1, 0xFFFF'FFFF}), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_renumber", {1, 255}), Errno::kSuccess);
}

TEST(Stdio, BadListsAreFaultsAndMoveNothing) {
  FakeGuest fake;
  fake.guest.give_input(kPieces, InputEnd::kEof);
  GuestPointer good = fake.vectors({{64, 4}});
  GuestPointer outside = fake.vectors({{64, 4}, {FakeGuest::kEnd - 2, 4}});
  GuestPointer wrapping = fake.vectors({{0xFFFF'FFFC, 8}});
  for (std::string_view name : {"fd_read", "fd_write"}) {
    Fd fd = name == "fd_read" ? 0 : 1;
    EXPECT_EQ(fake.call(name, {fd, outside, 2, 128}), Errno::kFault);
    EXPECT_EQ(fake.call(name, {fd, wrapping, 1, 128}), Errno::kFault);
    EXPECT_EQ(fake.call(name, {fd, FakeGuest::kEnd - 4, 1, 128}), Errno::kFault);
    EXPECT_EQ(fake.call(name, {fd, 0xFFFF'FFF8, 2, 128}), Errno::kFault);
    EXPECT_EQ(fake.call(name, {fd, good, 1, FakeGuest::kEnd - 3}), Errno::kFault);
    EXPECT_EQ(fake.call(name, {fd, good, 20'000, 128}), Errno::kInval);
    EXPECT_EQ(fake.call(name, {fd, good, 0xFFFF'FFFF, 128}), Errno::kInval);
  }
  EXPECT_EQ(fake.read(0).bytes, "{\"order\":17}");
  EXPECT_EQ(fake.guest.output(), "");
}

TEST(Stdio, DescriptorsSayWhatTheyAre) {
  FakeGuest fake;
  GuestPointer at = fake.room(fdstat::kSize);
  ASSERT_EQ(fake.call("fd_fdstat_get", {0, at}), Errno::kSuccess);
  EXPECT_EQ(fake.get<Filetype>(at), Filetype::kUnknown) << "no terminal, so libraries buffer";
  EXPECT_EQ(fake.get<uint64_t>(at + fdstat::kRightsBase) & (rights::kFdRead | rights::kFdWrite), rights::kFdRead);
  ASSERT_EQ(fake.call("fd_fdstat_get", {1, at}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint64_t>(at + fdstat::kRightsBase) & (rights::kFdRead | rights::kFdWrite), rights::kFdWrite);
  GuestPointer stat = fake.room(filestat::kSize);
  EXPECT_EQ(fake.call("fd_filestat_get", {1, stat}), Errno::kSuccess);
  EXPECT_EQ(fake.get<uint64_t>(stat + filestat::kFileSize), 0u);
}

TEST(Stdio, RightsCanOnlyBeGivenUp) {
  FakeGuest fake;
  EXPECT_EQ(fake.call("fd_fdstat_set_rights", {1, rights::kFdRead, 0}), Errno::kNotcapable);
  EXPECT_EQ(fake.call("fd_fdstat_set_rights", {1, 0, 0}), Errno::kSuccess);
  EXPECT_EQ(fake.write(1, "x"), Errno::kBadf);
  EXPECT_EQ(fake.call("fd_fdstat_set_rights", {1, rights::kFdWrite, 0}), Errno::kNotcapable);
}

}  // namespace
}  // namespace fiso::wasm::wasi

// Every function, with arguments that no well-behaved guest passes: an errno, and never a step outside of memory (the
// sanitizers watch) or of the directories.
#include <gtest/gtest.h>

#include <random>

#include "wasm/wasi/testing/file_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::FakeGuest;
using testing::FileGuest;
using testing::host_function;
using testing::ScratchDirectory;

constexpr std::array<std::string_view, 1> kPieces{"input"};
constexpr uint64_t kEnd = FakeGuest::kEnd;
constexpr std::array<uint64_t, 18> kHostile{0,
                                            1,
                                            2,
                                            3,
                                            4,
                                            5,
                                            7,
                                            64,
                                            255,
                                            kEnd - 8,
                                            kEnd - 1,
                                            kEnd,
                                            0x7FFF'FFFF,
                                            0x8000'0000,
                                            0xFFFF'FFF8,
                                            0xFFFF'FFFF,
                                            uint64_t{1} << 63,
                                            UINT64_MAX};

class HostileArguments : public ::testing::TestWithParam<std::string_view> {
 protected:
  HostileArguments() {
    scratch_.make_directory("rw");
    scratch_.write("beside", "untouched");
  }

  // A new guest now and then, since the calls close, renumber and exit.
  void call_with_hostile_arguments(const std::shared_ptr<const GuestConfig>& config) {
    const HostFunction& function = host_function(GetParam());
    std::mt19937 random(4711);  // the same calls in every run
    for (int i = 0; i < kGuests; ++i) {
      FileGuest guest(config);
      if (i % 2 == 0) guest.guest.give_input(kPieces, InputEnd::kEof);
      for (int j = 0; j < kCallsEach; ++j) {
        std::vector<uint64_t> args(function.parameters.size());
        for (uint64_t& arg : args) arg = kHostile[random() % kHostile.size()];
        EXPECT_LE(static_cast<int>(guest.call(function.name, args)), static_cast<int>(Errno::kNotcapable));
      }
    }
    EXPECT_EQ(scratch_.read("beside"), "untouched");
  }

  static constexpr int kGuests = 10;
  static constexpr int kCallsEach = 30;
  ScratchDirectory scratch_;
};

TEST_P(HostileArguments, AreAnsweredWithoutFiles) {
  call_with_hostile_arguments(FakeGuest::open({.args = {"guest"}, .stdin_file = true}));
}

TEST_P(HostileArguments, AreAnsweredWithFiles) {
  call_with_hostile_arguments(
      FakeGuest::open({.args = {"guest"}, .preopens = {{"/rw", scratch_.path("rw"), Access::kReadWrite}}}));
}

TEST_P(HostileArguments, AreAnsweredWithoutAnyMemory) {
  const HostFunction& function = host_function(GetParam());
  FakeGuest fake(GuestOptions{.args = {"guest"}, .stdin_file = true});
  fake.guest.give_input(kPieces, InputEnd::kEof);
  for (uint64_t value : kHostile) {
    std::vector<uint64_t> args(function.parameters.size(), value);
    Outcome outcome = function.call(fake.guest, GuestMemory(nullptr, 0), Args(args.data()));
    if (outcome.pending()) EXPECT_GE(outcome.take_pending()->finish(fake.guest, GuestMemory(nullptr, 0)), 0);
  }
}

std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names;
  for (const HostFunction& function : host_functions()) names.push_back(function.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, HostileArguments, ::testing::ValuesIn(all_names()),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace fiso::wasm::wasi

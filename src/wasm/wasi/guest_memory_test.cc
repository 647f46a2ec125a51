#include "wasm/wasi/guest_memory.h"

#include <gtest/gtest.h>

#include <array>

namespace fiso::wasm::wasi {
namespace {

class GuestMemoryTest : public ::testing::Test {
 protected:
  std::array<uint8_t, 64> bytes_{};
  GuestMemory memory_{bytes_.data(), bytes_.size()};
};

TEST_F(GuestMemoryTest, WhatLiesInsideHasAnAddress) {
  EXPECT_EQ(memory_.at(0, 64), bytes_.data());
  EXPECT_EQ(memory_.at(60, 4), bytes_.data() + 60);
  EXPECT_EQ(memory_.at(64, 0), bytes_.data() + 64);
}

TEST_F(GuestMemoryTest, WhatDoesNotLieInsideHasNone) {
  EXPECT_EQ(memory_.at(61, 4), nullptr);
  EXPECT_EQ(memory_.at(0, 65), nullptr);
  EXPECT_EQ(memory_.at(65, 0), nullptr);
}

TEST_F(GuestMemoryTest, NoSumOfPointerAndLengthWraps) {
  EXPECT_EQ(memory_.at(UINT64_MAX, 1), nullptr);
  EXPECT_EQ(memory_.at(1, UINT64_MAX), nullptr);
  EXPECT_EQ(memory_.at(UINT64_MAX, UINT64_MAX), nullptr);
  EXPECT_EQ(memory_.at(0xFFFF'FFFF, 0xFFFF'FFFF), nullptr);
}

TEST_F(GuestMemoryTest, ValuesNeedNotBeAligned) {
  ASSERT_TRUE(memory_.write(3, uint64_t{0x1122'3344'5566'7788}));
  EXPECT_EQ(memory_.read<uint64_t>(3), 0x1122'3344'5566'7788u);
  EXPECT_EQ(bytes_[3], 0x88);
}

TEST_F(GuestMemoryTest, AValueAcrossTheEndIsNeitherReadNorWritten) {
  EXPECT_FALSE(memory_.write(57, uint64_t{1}));
  EXPECT_EQ(memory_.read<uint64_t>(57), std::nullopt);
  EXPECT_TRUE(memory_.write(56, uint64_t{1}));
}

TEST(GuestMemoryWithoutMemory, HoldsNothing) {
  GuestMemory none(nullptr, 100);
  EXPECT_EQ(none.read<uint8_t>(0), std::nullopt);
  EXPECT_EQ(none.view(0, 1), std::nullopt);
}

}  // namespace
}  // namespace fiso::wasm::wasi

#include "core/event.h"

#include <gtest/gtest.h>

#include <utility>

namespace fiso::core {
namespace {

TEST(PayloadTest, IsEmptyAtFirst) { EXPECT_EQ(Payload().view(), ""); }

TEST(PayloadTest, IsAllOfATextOrASliceOfIt) {
  EXPECT_EQ(Payload("abc").view(), "abc");
  std::string text = "a buffer that is too long to be held inside of the string itself";
  std::string_view slice = std::string_view(text).substr(2, 6);
  EXPECT_EQ(Payload::slice_of(std::move(text), slice).view(), "buffer");
}

// A short string holds its bytes itself, so they move when it does.
TEST(PayloadTest, ASliceOfAShortTextIsThatSlice) {
  std::string text = R"({"payload":1})";
  std::string_view slice = std::string_view(text).substr(11, 1);
  Payload payload = Payload::slice_of(std::move(text), slice);
  EXPECT_EQ(payload.view(), "1");
  Payload moved = std::move(payload);
  EXPECT_EQ(moved.view(), "1");
}

}  // namespace
}  // namespace fiso::core

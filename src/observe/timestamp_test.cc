#include "observe/timestamp.h"

#include <gtest/gtest.h>

namespace fiso::observe {
namespace {

std::string at(int64_t nanoseconds) {
  std::string text;
  append_timestamp(text, WallTime(Duration(nanoseconds)));
  return text;
}

TEST(Timestamp, IsRfc3339InUtcWithNanoseconds) {
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(at(1'714'564'799'123'456'789), "2024-05-01T11:59:59.123456789Z");
  EXPECT_EQ(at(1'709'210'096'000'000'001), "2024-02-29T12:34:56.000000001Z");
  EXPECT_EQ(at(-1), "1969-12-31T23:59:59.999999999Z");
}

}  // namespace
}  // namespace fiso::observe

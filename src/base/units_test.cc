#include "base/units.h"

#include <gtest/gtest.h>

namespace fiso {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Units, DurationsAreReadAsGoWritesThem) {
  EXPECT_EQ(parse_duration("30s").value(), seconds(30));
  EXPECT_EQ(parse_duration("1m30s").value(), seconds(90));
  EXPECT_EQ(parse_duration("1.5h").value(), seconds(5400));
  EXPECT_EQ(parse_duration("300ms").value(), milliseconds(300));
  EXPECT_EQ(parse_duration("0").value(), seconds(0));
}

TEST(Units, ABareNumberSaysWhichUnitToWrite) {
  EXPECT_EQ(parse_duration("60").error().message(),
            "\"60\" is not a duration: the unit is missing, write 60s for seconds or 60ms for milliseconds");
}

TEST(Units, NonsenseDurationsAreRefused) {
  for (const char* text : {"", "s", "-5s", "5x", "5s5", "1e9h", "5 s", "99999999999h"})
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(Units, DurationsRoundTrip) {
  for (const char* text : {"30s", "1m30s", "1h", "2h45m", "1.5ms", "250ms", "0s", "12us", "7ns"})
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
}

TEST(Units, SizesKnowBothKindsOfPrefix) {
  EXPECT_EQ(parse_bytes("268435456").value(), 256_MiB);
  EXPECT_EQ(parse_bytes("256MiB").value(), 256_MiB);
  EXPECT_EQ(parse_bytes("10MB").value(), Bytes{10'000'000});
  EXPECT_EQ(parse_bytes("9007199254740993").value(), Bytes{9007199254740993});
  for (const char* text : {"", "MiB", "-1", "1XB", "1 MiB", "999999999999GiB"})
    EXPECT_FALSE(parse_bytes(text).has_value()) << text;
}

TEST(Units, SizesPrintInTheLargestEvenUnit) {
  EXPECT_EQ(format_bytes(256_MiB), "256MiB");
  EXPECT_EQ(format_bytes(Bytes{1000}), "1000");
}

}  // namespace
}  // namespace fiso

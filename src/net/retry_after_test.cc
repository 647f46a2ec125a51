#include "net/retry_after.h"

#include <gtest/gtest.h>

#include <string>

namespace fiso::net {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

Duration pause_of(const std::string& value, WallTime now = {}) {
  HeaderList headers;
  headers.add("retry-after", value);
  return retry_after(headers, now);
}

TEST(RetryAfter, MayBeSeconds) {
  EXPECT_EQ(pause_of("7"), seconds(7));
  EXPECT_EQ(pause_of(" 7 "), seconds(7));
  EXPECT_EQ(pause_of("0"), seconds(0));
}

TEST(RetryAfter, IsNeverLongerThanTheLongest) {
  for (std::string text :
       {"86401", "100000000", "9223372036854775807", "99999999999999999999", "99999999999999999999999999999999"})
    EXPECT_EQ(pause_of(text), hours(24)) << text;
}

TEST(RetryAfter, MayBeADate) {
  WallTime now{seconds(784'111'777)};  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(pause_of("Sun, 06 Nov 1994 08:49:47 GMT", now), seconds(10));
  EXPECT_EQ(pause_of("Sun, 06 Nov 1994 08:49:27 GMT", now), seconds(0));
  EXPECT_EQ(pause_of("Fri, 31 Dec 9999 23:59:59 GMT", now), hours(24));
  EXPECT_EQ(pause_of("Sat, 01 Jan 0001 00:00:00 GMT", now), seconds(0));
}

TEST(RetryAfter, ThatMakesNoSenseIsNone) {
  for (std::string text : {"", "-5", "-99999999999999999999", "+5", "soon", "7 seconds", "7.5", "Sun, 06 Nov 1994"})
    EXPECT_EQ(pause_of(text), seconds(0)) << text;
  EXPECT_EQ(retry_after(HeaderList(), WallTime()), seconds(0));
}

}  // namespace
}  // namespace fiso::net

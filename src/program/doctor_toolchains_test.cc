#include "program/doctor_toolchains.h"

#include <gtest/gtest.h>

namespace fiso::program {
namespace {

TEST(GoVersion, IsReadFromWhatGoSays) {
  EXPECT_EQ(parse_go_version("go version go1.24.1 linux/amd64\n"), (GoVersion{1, 24}));
  EXPECT_EQ(parse_go_version("go version go1.21rc2 linux/arm64\n"), (GoVersion{1, 21}));
  EXPECT_EQ(parse_go_version("go: downloading\ngo version go2.0"), (GoVersion{2, 0}));
  EXPECT_LT((GoVersion{1, 9}), (GoVersion{1, 21}));
}

TEST(GoVersion, IsNotGuessed) {
  for (const char* said :
       {"", "go version", "go version go", "go version go1", "go version go1.", "go version devel +abc", "1.21"})
    EXPECT_FALSE(parse_go_version(said).has_value()) << said;
}

}  // namespace
}  // namespace fiso::program

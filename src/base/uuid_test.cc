#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace fiso {
namespace {

TEST(Uuid, VersionAndVariantAreMarked) {
  std::string v4 = make_uuid_v4();
  ASSERT_EQ(v4.size(), 36u);
  EXPECT_EQ(v4[14], '4');
  EXPECT_NE(std::string("89ab").find(v4[19]), std::string::npos);
  EXPECT_EQ(make_uuid_v7(WallTime{})[14], '7');
}

TEST(Uuid, Version7BeginsWithTheMillisecond) {
  WallTime now{std::chrono::milliseconds(0x0123456789ab)};
  EXPECT_EQ(make_uuid_v7(now).substr(0, 13), "01234567-89ab");
}

TEST(Uuid, TenThousandAreAllDifferent) {
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) seen.insert(make_uuid_v4());
  EXPECT_EQ(seen.size(), 10000u);
}

}  // namespace
}  // namespace fiso

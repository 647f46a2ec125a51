#include "link/path_rules.h"

#include <gtest/gtest.h>

namespace fiso::link {
namespace {

TEST(DotSegments, AreResolvedHoweverTheyAreWritten) {
  EXPECT_EQ(resolve_dot_segments("/a/./b/../c"), "/a/c");
  EXPECT_EQ(resolve_dot_segments("/a/%2e/b/%2E%2e/c"), "/a/c");
  EXPECT_EQ(resolve_dot_segments("/a/b/.."), "/a/");
  EXPECT_EQ(resolve_dot_segments("/a/b/."), "/a/b/");
  EXPECT_EQ(resolve_dot_segments("/"), "/");
  EXPECT_EQ(resolve_dot_segments("/a/.."), "/");
}

TEST(DotSegments, AllElseStaysAsItIs) {
  for (const char* path : {"/a%2Fb", "/a//b/", "/%7Euser;x=1/%3F", "/..a/b..", "/a%20b/%zz"})
    EXPECT_EQ(resolve_dot_segments(path), path);
}

TEST(DotSegments, DoNotLeadAboveTheRoot) {
  EXPECT_EQ(resolve_dot_segments("/.."), std::nullopt);
  EXPECT_EQ(resolve_dot_segments("/a/../%2e%2e/b"), std::nullopt);
}

TEST(PathRules, AllowEverythingWhereThereAreNone) { EXPECT_TRUE(PathRules().allows("/a/..%2f")); }

TEST(PathRules, AStarStaysWithinItsSegment) {
  PathRules rules({"/api/*/items", "/v[12]/x?"});
  EXPECT_TRUE(rules.allows("/api/users/items"));
  EXPECT_FALSE(rules.allows("/api/users/7/items"));
  EXPECT_FALSE(rules.allows("/api/users/items/7"));
  EXPECT_TRUE(rules.allows("/v2/xy"));
  EXPECT_FALSE(rules.allows("/v3/xy"));
  EXPECT_FALSE(rules.allows("/v1/x/"));
}

TEST(PathRules, TwoStarsAtTheEndAreThePathAndAllBelow) {
  PathRules rules({"/api/**"});
  EXPECT_TRUE(rules.allows("/api"));
  EXPECT_TRUE(rules.allows("/api/"));
  EXPECT_TRUE(rules.allows("/api/a/b"));
  EXPECT_FALSE(rules.allows("/apix"));
  EXPECT_FALSE(rules.allows("/"));
  EXPECT_TRUE(PathRules({"/**"}).allows("/x/y"));
  PathRules starred({"/u/*/pub/**"});
  EXPECT_TRUE(starred.allows("/u/7/pub/a/b"));
  EXPECT_FALSE(starred.allows("/u/7/priv/pub"));
}

TEST(PathRules, EveryReadingOfAPathHasToPass) {
  PathRules rules({"/public/**"});
  for (const char* path : {"/public/..%2fadmin", "/public/..%2Fadmin", "/public/%2e%2e%2fadmin", "/public/..%252fadmin",
                           "/public/..;/admin", "/public/..;x=1/admin", "/public/..\\admin", "/public/..%5cadmin",
                           "/public/%252e%252e/admin", "/public/..%3b/admin", "/public%2f..%2f..%2fadmin"})
    EXPECT_FALSE(rules.allows(path)) << path;
  for (const char* path : {"/public/a%20b", "/public/a;b=c/d", "/public//a", "/public/a%2Fb"})
    EXPECT_TRUE(rules.allows(path)) << path;
  PathRules one({"/public/*"});
  EXPECT_FALSE(one.allows("/public/a%2Fb"));  // for some servers that is two segments
  EXPECT_FALSE(PathRules({"/admin/**"}).allows("//admin/x"));
}

TEST(PathRules, BadPatternsAreTold) {
  EXPECT_EQ(PathRules::complaint("/a/*/[a-z]/**"), std::nullopt);
  EXPECT_EQ(PathRules::complaint("a"), "a pattern begins with /");
  EXPECT_EQ(PathRules::complaint("/[a"), "a [ has no ]");
  EXPECT_EQ(PathRules::complaint("/a/**/b"), "** stands at the end only, behind a /");
}

}  // namespace
}  // namespace fiso::link

// Thousands of ways to write a path against servers that read paths in all the ways we know of: whatever passes the rules lies
// within them for each of these servers (link/testing/path_servers.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "link/path_rules.h"
#include "link/testing/path_servers.h"

namespace fiso::link {
namespace {

using testing::all_servers;
using testing::served;
using testing::Server;
using testing::split;

constexpr size_t kVariants = 2000;

// The same table in each run.
std::vector<std::string> variants() {
  const std::vector<std::string> segments = {
      "public",     "admin",          "a",     "..",     ".",   "%2e%2e",  "%2E.",  ".%2e",
      "%252e%252e", "%25252e%25252e", "..;",   "..;x=1", ";..", "%2e%2e;", "..%3b", "..%00",
      "..%3F",      "%2e%2e%3f",      "..%23", "",       "%2e", "...",     "b;c",   "b%3Fc"};
  const std::vector<std::string> separators = {"/",  "/",   "/",     "//",  "%2F", "%2f", "%252F",
                                               "\\", "%5C", "%255c", "/./", ";/",  "%3F", "%23"};
  std::mt19937 random(20240501);  // its numbers are the same everywhere
  auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  std::set<std::string> table;
  while (table.size() < kVariants) {
    std::string path = random() % 4 == 0 ? "/" + pick(segments) : "/public";
    for (size_t left = 1 + random() % 5; left > 0; left--) path += pick(separators) + pick(segments);
    table.insert(path);
  }
  return {table.begin(), table.end()};
}

struct Count {
  size_t passed = 0, attacks = 0;
};

// `inside` says whether what a server serves is what the patterns mean.
template <class Inside>
Count hold(const std::vector<std::string>& patterns, Inside inside) {
  PathRules rules(patterns);
  std::vector<Server> servers = all_servers();
  Count count;
  for (const std::string& path : variants()) {
    auto leaves = [&](const std::string& sent) {
      return std::find_if(servers.begin(), servers.end(), [&](const Server& server) { return !inside(served(server, sent)); });
    };
    count.attacks += leaves(path) != servers.end() ? 1 : 0;
    auto sent = resolve_dot_segments(path);
    if (!sent || !rules.allows(*sent)) continue;
    ++count.passed;
    auto bypassed = leaves(*sent);
    if (bypassed != servers.end())
      ADD_FAILURE() << path << " goes out as " << *sent << ", and a server that " << bypassed->describe() << " serves "
                    << served(*bypassed, *sent);
  }
  return count;
}

TEST(PathTable, NoWayOfWritingAPathLeadsOutOfATree) {
  Count count = hold({"/public/**"}, [](const std::string& path) { return path == "/public" || path.starts_with("/public/"); });
  EXPECT_GT(count.passed, 100u);
  EXPECT_GT(count.attacks, 1000u);
}

TEST(PathTable, NoWayOfWritingAPathMakesAnotherNumberOfSegments) {
  Count count =
      hold({"/public/*"}, [](const std::string& path) { return path.starts_with("/public/") && split(path).size() == 2; });
  EXPECT_GT(count.passed, 10u);
  EXPECT_GT(count.attacks, 1000u);
}

TEST(PathTable, NoWayOfWritingAPathLosesWhatStandsBehindAStar) {
  Count count = hold({"/public/*/a"}, [](const std::string& path) {
    std::vector<std::string> parts = split(path);
    return parts.size() == 3 && parts[0] == "public" && parts[2] == "a";
  });
  EXPECT_GT(count.passed, 0u);
  EXPECT_GT(count.attacks, 1000u);
}

TEST(PathTable, WhatIsPlainPasses) {
  PathRules rules({"/public/**"});
  for (const char* path :
       {"/public", "/public/", "/public/a/b", "/public/a%20b", "/public/a;v=1", "/public//a", "/public/a%2Fb", "/public/a%3Fb"})
    EXPECT_TRUE(rules.allows(resolve_dot_segments(path).value_or(""))) << path;
}

}  // namespace
}  // namespace fiso::link

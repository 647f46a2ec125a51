// Thousands of ways to write a path against servers that read paths in all the ways we know of: whatever passes the rules lies
// within them for each of these servers. The servers are written down here anew, so that they share no mistake with
// path_rules.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <set>

#include "link/path_rules.h"

namespace fiso::link {
namespace {

constexpr size_t kVariants = 2000;

// What a server does with a path before it looks for what to serve, in this order.
struct Server {
  bool resolves_first;  // dot segments as they are written
  int decodings;        // of %XX
  bool backslashes;     // are slashes
  bool cuts;            // at what has become a ? or # or NUL
  bool parameters;      // a segment ends at its ;
  bool merges;          // repeated slashes

  std::string describe() const {
    return std::string(resolves_first ? "resolves, " : "") + "decodes " + std::to_string(decodings) + " times" +
           (backslashes ? ", backslashes" : "") + (cuts ? ", cuts" : "") + (parameters ? ", parameters" : "") +
           (merges ? ", merges" : "");
  }
};

std::string decoded(const std::string& path) {
  std::string out;
  for (size_t i = 0; i < path.size(); i++) {
    bool escape = path[i] == '%' && i + 2 < path.size() && std::isxdigit(static_cast<unsigned char>(path[i + 1])) != 0 &&
                  std::isxdigit(static_cast<unsigned char>(path[i + 2])) != 0;
    if (escape) {
      out.push_back(static_cast<char>(std::stoi(path.substr(i + 1, 2), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(path[i]);
    }
  }
  return out;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::string part;
  for (char c : path.substr(1) + "/") {
    if (c != '/') {
      part += c;
      continue;
    }
    parts.push_back(part);
    part.clear();
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += "/" + part;
  return path.empty() ? "/" : path;
}

std::string resolved(const std::string& path) {
  std::vector<std::string> kept;
  for (const std::string& part : split(path)) {
    if (part == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (part != ".") {
      kept.push_back(part);
    }
  }
  return join(kept);
}

std::string served(const Server& server, std::string path) {
  if (server.resolves_first) path = resolved(path);
  for (int i = 0; i < server.decodings; i++) path = decoded(path);
  if (server.backslashes) std::replace(path.begin(), path.end(), '\\', '/');
  if (server.cuts) path = path.substr(0, path.find_first_of(std::string_view("?#\0", 3)));
  if (path.empty() || path[0] != '/') path = "/" + path;
  std::vector<std::string> parts = split(path);
  if (server.parameters)
    for (std::string& part : parts) part = part.substr(0, part.find(';'));
  if (server.merges) {
    std::string last = parts.back();
    parts.pop_back();
    parts.erase(std::remove(parts.begin(), parts.end(), ""), parts.end());
    parts.push_back(last);
  }
  return resolved(join(parts));
}

std::vector<Server> all_servers() {
  std::vector<Server> servers;
  for (int decodings = 0; decodings < 4; decodings++)
    for (int bits = 0; bits < 32; bits++)
      servers.push_back({(bits & 1) != 0, decodings, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0});
  return servers;
}

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

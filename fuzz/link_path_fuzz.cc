// Paths of targets, and patterns for them: what passes stays within the rules for every server that we know of, and no pattern
// makes the matcher crash or run away. The input is a pattern, a line end, and a path.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "link/path_rules.h"
#include "link/testing/path_servers.h"

namespace {

using fiso::link::PathRules;
using fiso::link::resolve_dot_segments;
namespace testing = fiso::link::testing;

constexpr size_t kLongest = 512;  // the matcher's work grows with the path's length times the readings'

bool is_below(const std::string& path, const std::string& tree) { return path == tree || path.starts_with(tree + "/"); }

void check_tree(const std::string& sent) {
  static const PathRules rules({"/public/**"});
  static const auto servers = testing::all_servers();
  if (!rules.allows(sent)) return;
  for (const testing::Server& server : servers)
    FISO_CHECK(is_below(testing::served(server, sent), "/public"), sent + ": " + server.describe());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kLongest) return 0;
  std::string input(reinterpret_cast<const char*>(data), size);
  size_t line = input.find('\n');
  std::string pattern = input.substr(0, line), path = "/" + (line == std::string::npos ? input : input.substr(line + 1));
  // What the HTTP parsers let through as a path, without its query.
  for (char c : path)
    if (c <= ' ' || c >= 0x7f || c == '#' || c == '?') return 0;

  std::optional<std::string> sent = resolve_dot_segments(path);
  if (!sent) return 0;
  FISO_CHECK(sent->starts_with('/') && resolve_dot_segments(*sent) == sent, *sent);
  check_tree(*sent);
  if (PathRules::complaint(pattern)) return 0;
  bool allowed = PathRules({pattern}).allows(*sent);
  FISO_CHECK(!allowed || fiso::link::stays_below_in_all_readings(*sent), *sent);
  return 0;
}

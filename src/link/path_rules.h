// Which paths of a target may be asked for, so that no way of writing a path gets around the rules.
//
// What goes out is what came in, byte by byte, but for the dot segments, which are resolved here (RFC 3986, section 5.2.4).
// Servers read paths in different ways: some decode %2F, some twice, some drop `;parameters` or empty segments, some take \ for
// /, some end at an encoded ? or # or NUL. So where there are rules, a path passes only if it passes in each of these readings;
// and one that a reading would lead upwards never does.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fiso::link {

// `path` without dot segments, however their dots are written; nothing if they lead above the root. It begins with /.
std::optional<std::string> resolve_dot_segments(std::string_view path);

class PathRules {
 public:
  PathRules() = default;
  // Patterns: * and ? and [a-z] within a segment, and /** at the end for the path before it and everything below. Without any,
  // every path is allowed.
  explicit PathRules(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  // What is wrong with a pattern, or nothing.
  static std::optional<std::string> complaint(const std::string& pattern);

  // `path` as resolve_dot_segments() gives it.
  bool allows(std::string_view path) const;
  bool empty() const { return patterns_.empty(); }

 private:
  bool matches(std::string_view path) const;
  std::vector<std::string> patterns_;
};

// No reading of the path leads above `path` itself, as ..%2F or %252e%252e/ or ..;/ would.
bool stays_below_in_all_readings(std::string_view path);

}  // namespace fiso::link

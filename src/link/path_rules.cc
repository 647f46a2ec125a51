#include "link/path_rules.h"

#include <algorithm>

#include "base/ascii.h"

namespace fiso::link {
namespace {

constexpr int kMostDecodings = 8;  // beyond that a path is up to no good

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that stands at `i` as %XX, or -1.
int escaped_at(std::string_view text, size_t i) {
  if (text[i] != '%' || i + 2 >= text.size()) return -1;
  int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    int byte = escaped_at(text, i);
    out += byte < 0 ? text[i] : static_cast<char>(byte);
    if (byte >= 0) i += 2;
  }
  return out;
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  for (size_t begin = 1; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    segments.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return segments;
}

std::string without_parameters(std::string_view path) {
  std::string out;
  bool skipping = false;
  for (char c : path) {
    if (c == ';') skipping = true;
    if (c == '/') skipping = false;
    if (!skipping) out += c;
  }
  return out;
}

std::string with_single_slashes(std::string_view path) {
  std::string out;
  for (char c : path)
    if (c != '/' || !out.ends_with('/')) out += c;
  return out;
}

// For who takes the path apart once more after decoding it.
std::string up_to_query(const std::string& path) { return path.substr(0, path.find_first_of(std::string_view("?#\0", 3))); }

bool has_dot_segment(std::string_view path) {
  return std::ranges::any_of(segments_of(path), [](std::string_view segment) { return segment == "." || segment == ".."; });
}

// Every way a server might read the path, itself first; empty if it is encoded more often than anybody needs.
std::vector<std::string> readings(std::string_view path) {
  std::vector<std::string> all;
  auto add = [&](std::string reading) {
    if (std::ranges::find(all, reading) == all.end()) all.push_back(std::move(reading));
  };
  std::string now(path);
  for (int i = 0;; ++i) {
    if (i == kMostDecodings) return {};
    std::string slashes = now;
    std::ranges::replace(slashes, '\\', '/');
    for (const std::string& one : {now, slashes, up_to_query(now), up_to_query(slashes)})
      for (const std::string& other : {one, without_parameters(one)}) {
        add(other);
        add(with_single_slashes(other));
      }
    std::string decoded = decode(now);
    if (decoded == now) return all;
    now = std::move(decoded);
  }
}

// One character class, `pattern` behind its [. The end of it, or npos.
size_t class_end(std::string_view pattern, size_t begin) {
  size_t end = begin + (pattern.substr(begin).starts_with('^') ? 1 : 0);
  return pattern.find(']', end + 1);
}

bool class_holds(std::string_view set, char c) {
  bool negated = set.starts_with('^'), found = false;
  if (negated) set.remove_prefix(1);
  for (size_t i = 0; i < set.size(); ++i) {
    bool range = i + 2 < set.size() && set[i + 1] == '-';
    found |= range ? set[i] <= c && c <= set[i + 2] : set[i] == c;
    if (range) i += 2;
  }
  return found != negated;
}

// Both grow with the pattern's stars at most: each star is tried again from where it stands, the ones before it are settled.
bool glob(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, mark = 0;
  while (t < text.size()) {
    size_t next = std::string_view::npos;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '[' && text[t] != '/') {
      size_t end = class_end(pattern, p + 1);
      if (class_holds(pattern.substr(p + 1, end - p - 1), text[t])) next = end + 1;
    } else if (p < pattern.size() && (pattern[p] == text[t] || (pattern[p] == '?' && text[t] != '/'))) {
      next = p + 1;
    }
    if (next != std::string_view::npos) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos && text[mark] != '/') {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool match(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/**")) return glob(pattern, path);
  pattern.remove_suffix(3);
  if (pattern.empty()) return true;
  // The path itself, or what lies below one of its beginnings.
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (glob(pattern, path.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
  }
}

}  // namespace

std::optional<std::string> resolve_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  std::vector<std::string_view> segments = segments_of(path);
  for (size_t i = 0; i < segments.size(); ++i) {
    std::string plain = segments[i].find('.') != std::string_view::npos || segments[i].find('%') != std::string_view::npos
                            ? decode(segments[i])
                            : std::string();
    bool up = plain == "..", last = i + 1 == segments.size();
    if (!up && plain != ".") {
      kept.push_back(segments[i]);
      continue;
    }
    if (up && kept.empty()) return std::nullopt;
    if (up) kept.pop_back();
    if (last) kept.emplace_back();  // a directory
  }
  std::string out;
  for (std::string_view segment : kept) out.append("/").append(segment);
  return out.empty() ? "/" : out;
}

std::optional<std::string> PathRules::complaint(const std::string& pattern) {
  if (!pattern.starts_with('/')) return "a pattern begins with /";
  for (size_t at = pattern.find('['); at != std::string::npos; at = pattern.find('[', at + 1)) {
    at = class_end(pattern, at + 1);
    if (at == std::string::npos) return "a [ has no ]";
  }
  std::string_view before(pattern);
  if (before.ends_with("/**")) before.remove_suffix(3);
  if (before.find("**") != std::string_view::npos) return "** stands at the end only, behind a /";
  return std::nullopt;
}

bool PathRules::matches(std::string_view path) const {
  return std::ranges::any_of(patterns_, [&](const std::string& pattern) { return match(pattern, path); });
}

bool PathRules::allows(std::string_view path) const {
  if (patterns_.empty()) return true;
  if (!stays_below_in_all_readings(path)) return false;
  std::vector<std::string> all = readings(path);
  return std::ranges::all_of(all, [&](const std::string& reading) { return matches(reading); });
}

bool stays_below_in_all_readings(std::string_view path) {
  constexpr std::string_view kSuspicious = "%;\\";
  if (path.find_first_of(kSuspicious) == std::string_view::npos) return true;
  std::vector<std::string> all = readings(path);
  return !all.empty() && std::ranges::none_of(all, has_dot_segment);
}

}  // namespace fiso::link

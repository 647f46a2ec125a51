#include "config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/ascii.h"

namespace fiso::config {

EnvLookup process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

void Reader::fail(const Node& node, std::string_view message, std::string_view value) const {
  std::string text;
  for (size_t i = 0; i < message.size();) {
    std::string_view rest = message.substr(i);
    if (rest.starts_with("{path}")) {
      text += path_;
      i += 6;
    } else if (rest.starts_with("{value}")) {
      text += value;
      i += 7;
    } else {
      text += message[i++];
    }
  }
  Position at = node.position();
  errors_.add({node.file(), at.line, at.column, path_, std::move(text)});
}

void Reader::expected(std::string_view what, const Node& found) const {
  fail(found, "expected {value}", fmt::format("{}, found {}", what, describe(found)));
}

void Reader::expected_shape(std::string_view what, const Node& found) const {
  fail(found, "expected {value}", fmt::format("{}, found {}", what, found.kind() == NodeKind::kText ? "text" : describe(found)));
}

void read_text(const Reader& reader, const Node& node, std::string& value) {
  if (node.kind() != NodeKind::kText) return reader.expected("text", node);
  if (node.looks_like_number() || node.looks_like_bool())
    return reader.expected(fmt::format("text (quote it: \"{}\")", node.text()), node);
  value = node.text();
}

void read_scalar(const Reader& reader, const Node& node, std::string& value) {
  if (node.kind() != NodeKind::kText) return reader.expected("text", node);
  value = node.text();
}

void read_bool(const Reader& reader, const Node& node, bool& value) {
  if (!node.looks_like_bool()) return reader.expected("true or false", node);
  value = ascii_lower(node.text()[0]) == 't';
}

void read_integer(const Reader& reader, const Node& node, int64_t& value) {
  std::string_view digits = node.text();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (node.is_quoted() || error != std::errc() || end != digits.data() + digits.size())
    return reader.expected("a whole number", node);
  value = number;
}

void read_number(const Reader& reader, const Node& node, double& value) {
  std::string_view digits = node.text();
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (node.is_quoted() || error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(number))
    return reader.expected("a number", node);
  value = number;
}

void read_duration(const Reader& reader, const Node& node, Duration& value) {
  if (node.kind() != NodeKind::kText) return reader.expected("a duration such as 30s", node);
  Result<Duration> duration = parse_duration(node.text());
  if (!duration) return reader.fail(node, "{value}", duration.error().message());
  value = *duration;
}

void read_milliseconds(const Reader& reader, const Node& node, Duration& value) {
  std::string_view digits = node.text();
  int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  bool whole = !node.is_quoted() && error == std::errc() && end == digits.data() + digits.size();
  if (!whole) return read_duration(reader, node, value);
  constexpr int64_t kMost = int64_t{24} * 365 * 3600 * 1000;
  if (number < 0 || number > kMost) return reader.expected("a duration such as 30s", node);
  value = std::chrono::milliseconds(number);
}

void read_bytes(const Reader& reader, const Node& node, Bytes& value) {
  if (node.kind() != NodeKind::kText) return reader.expected("a size such as 256MiB", node);
  Result<Bytes> bytes = parse_bytes(node.text());
  if (!bytes) return reader.fail(node, "{value}", bytes.error().message());
  value = *bytes;
}

std::optional<size_t> read_word(const Reader& reader, const Node& node, const Words& words) {
  std::string text;
  size_t before = reader.failures();
  read_scalar(reader, node, text);
  if (reader.failures() > before) return std::nullopt;
  auto same = [&](std::string_view word) { return words.match == Match::kExact ? text == word : iequals(trim(text), word); };
  for (size_t i = 0; i < words.allowed.size(); ++i)
    if (same(words.allowed[i])) return i;
  for (const Refused& refused : words.refused) {
    if (!same(refused.word)) continue;
    reader.fail(node, refused.sentence, text);
    return std::nullopt;
  }
  std::string why = words.invalid;
  if (why.empty()) why = fmt::format("{{path}} \"{{value}}\" is not valid (must be one of: {})", fmt::join(words.allowed, ", "));
  std::string shown = quote(text);
  reader.fail(node, why + did_you_mean(text, words.allowed), std::string_view(shown).substr(1, shown.size() - 2));
  return std::nullopt;
}

void read_entries(const Reader& reader, const Node& node, const std::function<void(const Reader&, const Entry&)>& read) {
  if (!node.is_null() && node.kind() != NodeKind::kMap) return reader.expected_shape("a map", node);
  for (const Entry& entry : node.entries()) read(reader.at(entry.key.text()), entry);
}

void read_items(const Reader& reader, const Node& node, const std::function<void(const Reader&, const Node&)>& read) {
  if (!node.is_null() && node.kind() != NodeKind::kList) return reader.expected_shape("a list", node);
  size_t index = 0;
  for (const Node& item : node.items()) read(reader.at(index++), item);
}

namespace {

// Letters to insert, drop, replace or swap with a neighbour to get from one word to the other, case aside.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  auto same = [&](size_t i, size_t j) { return ascii_lower(a[i - 1]) == ascii_lower(b[j - 1]); };
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same(i, j) ? 0 : 1)});
      bool swapped = i > 1 && j > 1 && same(i, j - 1) && same(i - 1, j);
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  constexpr size_t kLongestWord = 64;
  if (word.size() > kLongestWord) return "";
  std::string_view closest;
  size_t least = std::max<size_t>(1, std::min<size_t>(3, word.size() / 3)) + 1;  // one more than is forgiven
  for (const std::string& candidate : known)
    if (size_t distance = edit_distance(word, candidate); distance < least) least = distance, closest = candidate;
  return closest.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", closest);
}

}  // namespace fiso::config

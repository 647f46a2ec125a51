#include "program/json_difference.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>
#include <utility>

#include "config/errors.h"
#include "json/scan.h"
#include "json/text.h"

namespace fiso::program {
namespace {

constexpr size_t kLongestShown = 80;
constexpr int64_t kLargestPower = int64_t{1} << 60;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// digits * 10^exponent, without a zero at either end.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t exponent = 0;
  bool operator==(const Decimal&) const = default;
};

Decimal to_decimal(std::string_view number) {
  Decimal value;
  size_t at = 0;
  value.negative = number.starts_with('-');
  if (value.negative) ++at;
  bool behind_point = false;
  for (; at < number.size() && (is_digit(number[at]) || number[at] == '.'); ++at) {
    if (number[at] == '.') {
      behind_point = true;
      continue;
    }
    value.digits += number[at];
    if (behind_point) --value.exponent;
  }
  if (at < number.size()) ++at;  // e or E
  if (at < number.size() && number[at] == '+') ++at;
  int64_t power = 0;
  auto [end, error] = std::from_chars(number.data() + at, number.data() + number.size(), power);
  if (error == std::errc::result_out_of_range) power = number[at] == '-' ? -kLargestPower : kLargestPower;
  value.exponent += std::clamp(power, -kLargestPower, kLargestPower);
  value.digits.erase(0, std::min(value.digits.find_first_not_of('0'), value.digits.size()));
  while (value.digits.ends_with('0')) {
    value.digits.pop_back();
    ++value.exponent;
  }
  if (value.digits.empty()) value = {};
  return value;
}

std::string shown(std::string_view value) {
  std::string text;
  json::compact(value, text);
  if (text.size() <= kLongestShown) return text;
  size_t end = kLongestShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

class Comparison {
 public:
  explicit Comparison(size_t most) : most_(most) {}

  void compare(const std::string& path, std::string_view expected, std::string_view actual) {
    if (found_.size() >= most_) return;
    json::Kind kind = json::kind_of(expected);
    if (kind != json::kind_of(actual)) return differ(path, expected, actual);
    switch (kind) {
      case json::Kind::kObject: return compare_members(path, expected, actual);
      case json::Kind::kArray: return compare_elements(path, expected, actual);
      case json::Kind::kString:
        if (json::unquote(expected).value_or("") != json::unquote(actual).value_or("")) differ(path, expected, actual);
        return;
      case json::Kind::kNumber:
        if (!is_same_number(expected, actual)) differ(path, expected, actual);
        return;
      default:
        if (expected != actual) differ(path, expected, actual);
    }
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  using Members = std::map<std::string, std::string_view>;

  static Members members_of(std::string_view object) {
    Members members;
    auto document = json::Document::parse(object, json::kHighestMaxDepth);
    if (!document.has_value()) return members;
    for (const json::Member& member : document->members())
      members.insert_or_assign(json::unquote(member.key).value_or(""), member.value);
    return members;
  }

  void compare_members(const std::string& path, std::string_view expected, std::string_view actual) {
    Members wanted = members_of(expected), got = members_of(actual);
    for (const auto& [name, value] : wanted) {
      auto other = got.find(name);
      if (other == got.end())
        say(config::join_path(path, name), "expected " + shown(value) + ", is missing");
      else
        compare(config::join_path(path, name), value, other->second);
    }
    for (const auto& [name, value] : got)
      if (!wanted.contains(name)) say(config::join_path(path, name), "not expected, got " + shown(value));
  }

  void compare_elements(const std::string& path, std::string_view expected, std::string_view actual) {
    auto wanted = json::elements(expected), got = json::elements(actual);
    for (size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) compare(config::join_path(path, i), wanted[i], got[i]);
    if (wanted.size() != got.size())
      say(path, "expected " + std::to_string(wanted.size()) + " elements, got " + std::to_string(got.size()));
  }

  void differ(const std::string& path, std::string_view expected, std::string_view actual) {
    say(path, "expected " + shown(expected) + ", got " + shown(actual));
  }
  void say(const std::string& path, const std::string& what) {
    if (found_.size() < most_) found_.push_back((path.empty() ? "the answer" : path) + ": " + what);
  }

  const size_t most_;
  std::vector<std::string> found_;
};

std::string_view trimmed(std::string_view valid_json) {
  auto document = json::Document::parse(valid_json, json::kHighestMaxDepth);
  return document.has_value() ? document->value() : valid_json;
}

}  // namespace

bool is_same_number(std::string_view a, std::string_view b) { return a == b || to_decimal(a) == to_decimal(b); }

std::vector<std::string> json_differences(std::string_view expected, std::string_view actual, size_t most) {
  Comparison comparison(most);
  comparison.compare("", trimmed(expected), trimmed(actual));
  return comparison.take();
}

}  // namespace fiso::program

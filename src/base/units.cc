#include "base/units.h"

#include <charconv>
#include <span>

namespace fiso {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr Unit kDurationUnits[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
constexpr Unit kSizeUnits[] = {{"", 1},          {"B", 1},    {"KiB", 1 << 10}, {"MiB", 1 << 20},
                               {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6},      {"GB", 1e9}};

constexpr double kLongest = 9.2e18;  // nanoseconds in an int64, about 292 years

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

// Takes a decimal number from the front of `text`; false if there is none.
bool take_number(std::string_view& text, double& number) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

std::string_view take_letters(std::string_view& text) {
  size_t n = 0;
  while (n < text.size() && ((text[n] >= 'a' && text[n] <= 'z') || (text[n] >= 'A' && text[n] <= 'Z'))) ++n;
  std::string_view letters = text.substr(0, n);
  text.remove_prefix(n);
  return letters;
}

Error bad_duration(std::string_view text, std::string_view why) {
  return Error(ErrorCode::kInvalidConfig, "\"" + std::string(text) + "\" is not a duration: " + std::string(why));
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration(0);
  std::string_view rest = text;
  double total = 0;
  if (rest.empty()) return bad_duration(text, "write a number with a unit, such as 30s");
  while (!rest.empty()) {
    double number = 0;
    if (!take_number(rest, number)) return bad_duration(text, "write a number with a unit, such as 30s or 1m30s");
    std::string_view name = take_letters(rest);
    if (name.empty())
      return bad_duration(text, "the unit is missing, write " + std::string(text) + "s for seconds or " + std::string(text) +
                                    "ms for milliseconds");
    const Unit* unit = find_unit(kDurationUnits, name);
    if (unit == nullptr) return bad_duration(text, "unknown unit \"" + std::string(name) + "\" (units: ns, us, ms, s, m, h)");
    total += number * unit->factor;
  }
  if (total > kLongest) return bad_duration(text, "longer than 292 years");
  return Duration(static_cast<int64_t>(total));
}

std::string format_duration(Duration duration) {
  int64_t left = duration.count();
  if (left == 0) return "0s";
  auto trimmed = [](double value, const char* unit) {
    char digits[32];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return std::string(digits, end) + unit;
  };
  if (left < 1000) return std::to_string(left) + "ns";
  if (left < 1'000'000) return trimmed(static_cast<double>(left) / 1e3, "us");
  if (left < 1'000'000'000) return trimmed(static_cast<double>(left) / 1e6, "ms");
  constexpr int64_t kMinute = 60'000'000'000, kHour = 60 * kMinute;
  std::string text;
  if (left >= kHour) text += std::to_string(left / kHour) + "h";
  if (left % kHour >= kMinute) text += std::to_string(left % kHour / kMinute) + "m";
  if (int64_t rest = left % kMinute; rest != 0) text += trimmed(static_cast<double>(rest) / 1e9, "s");
  return text;
}

Result<Bytes> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  double number = 0;
  bool ok = take_number(rest, number);
  std::string_view name = ok ? take_letters(rest) : std::string_view();
  const Unit* unit = ok && rest.empty() ? find_unit(kSizeUnits, name) : nullptr;
  if (unit == nullptr || number * unit->factor > kLongest) {
    return Error(ErrorCode::kInvalidConfig,
                 "\"" + std::string(text) + "\" is not a size: write bytes, or a number with KiB, MiB, GiB, KB, MB or GB");
  }
  if (name.empty() || name == "B") {  // exact, where a double would round
    uint64_t exact = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exact);
    if (error == std::errc()) return Bytes{exact};
  }
  return Bytes{static_cast<uint64_t>(number * unit->factor)};
}

std::string format_bytes(Bytes bytes) {
  constexpr std::pair<uint64_t, const char*> kUnits[] = {{1ull << 30, "GiB"}, {1ull << 20, "MiB"}, {1ull << 10, "KiB"}};
  for (auto [size, name] : kUnits)
    if (bytes.count >= size && bytes.count % size == 0) return std::to_string(bytes.count / size) + name;
  return std::to_string(bytes.count);
}

}  // namespace fiso

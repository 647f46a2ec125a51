#include "net/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/ascii.h"

namespace fiso::net {
namespace {

constexpr std::chrono::seconds kLongest = std::chrono::hours(24);

}  // namespace

Duration retry_after(const HeaderList& headers, WallTime now) {
  auto value = headers.find("Retry-After");
  if (!value.has_value()) return Duration(0);
  std::string text(trim(*value));
  int64_t seconds = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed == std::errc() && end == text.data() + text.size())
    return std::clamp<std::chrono::seconds>(std::chrono::seconds(seconds), std::chrono::seconds(0), kLongest);
  tm parts{};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return Duration(0);
  // In seconds: nanoseconds since the epoch end in the year 2262.
  auto seconds_now = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return std::clamp<std::chrono::seconds>(std::chrono::seconds(timegm(&parts)) - seconds_now, std::chrono::seconds(0), kLongest);
}

}  // namespace fiso::net

#include "net/retry_after.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "base/ascii.h"

namespace fiso::net {
namespace {

Duration bounded(std::chrono::seconds pause) {
  return std::clamp<std::chrono::seconds>(pause, std::chrono::seconds(0), kLongestRetryAfter);
}

}  // namespace

Duration retry_after(const HeaderList& headers, WallTime now) {
  auto value = headers.find("Retry-After");
  if (!value.has_value()) return Duration(0);
  std::string text(trim(*value));
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos) {
    int64_t seconds = 0;
    bool fits = std::from_chars(text.data(), text.data() + text.size(), seconds).ec == std::errc();
    return fits ? bounded(std::chrono::seconds(seconds)) : Duration(kLongestRetryAfter);
  }
  tm parts{};
  if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return Duration(0);
  // In seconds: nanoseconds since the epoch end in the year 2262.
  return bounded(std::chrono::seconds(timegm(&parts)) - std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()));
}

}  // namespace fiso::net

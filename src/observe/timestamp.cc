#include "observe/timestamp.h"

#include <chrono>

namespace fiso::observe {
namespace {

// `width` decimal digits of `value`, ending before `end`.
void put_digits(char* end, uint64_t value, int width) {
  for (int i = 0; i < width; ++i, value /= 10) *--end = static_cast<char>('0' + value % 10);
}

}  // namespace

void append_timestamp(std::string& out, WallTime time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  std::chrono::year_month_day date(day);
  auto nanoseconds = static_cast<uint64_t>((time - day).count());
  uint64_t seconds = nanoseconds / 1'000'000'000;
  char text[] = "0000-00-00T00:00:00.000000000Z";
  put_digits(text + 4, static_cast<uint64_t>(static_cast<int>(date.year())), 4);
  put_digits(text + 7, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 10, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 13, seconds / 3600, 2);
  put_digits(text + 16, seconds / 60 % 60, 2);
  put_digits(text + 19, seconds % 60, 2);
  put_digits(text + 29, nanoseconds % 1'000'000'000, 9);
  out.append(text, sizeof text - 1);
}

}  // namespace fiso::observe

// Sizes and durations as people write them: "30s", "1m30s", "256MiB", 268435456.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace fiso {

// A number of bytes; a type of its own so that a size is not taken for a count.
struct Bytes {
  uint64_t count = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
};

constexpr Bytes operator""_B(unsigned long long n) { return {n}; }
constexpr Bytes operator""_KiB(unsigned long long n) { return {n << 10}; }
constexpr Bytes operator""_MiB(unsigned long long n) { return {n << 20}; }
constexpr Bytes operator""_GiB(unsigned long long n) { return {n << 30}; }

// "300ms", "30s", "1.5h", "2h45m"; units ns us ms s m h, as Go's time.ParseDuration. A bare number other than 0 is an
// error that says which unit to write. Never negative.
Result<Duration> parse_duration(std::string_view text);
// Shortest text that parse_duration reads back: "30s", "1m30s", "1.5ms".
std::string format_duration(Duration duration);

// "10485760", "10MiB", "10MB", "64KiB", "1GiB": KiB/MiB/GiB are powers of 1024, KB/MB/GB powers of 1000.
Result<Bytes> parse_bytes(std::string_view text);
// "256MiB" when it divides evenly, else the plain number.
std::string format_bytes(Bytes bytes);

}  // namespace fiso

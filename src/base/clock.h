// Time, as a constructor argument, so that tests can stand still.
//
// Deadlines and back-off use monotonic time; wall time is only for what people and CloudEvents read.
#pragma once

#include <chrono>

namespace fiso {

using Duration = std::chrono::nanoseconds;
using MonotonicTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

inline constexpr MonotonicTime kNever = MonotonicTime::max();

// Threading: thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const { return std::chrono::steady_clock::now(); }
  virtual WallTime wall_now() const { return std::chrono::system_clock::now(); }

  static const Clock& system();
};

}  // namespace fiso

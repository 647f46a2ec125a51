// A token bucket: so many requests a second, and a burst of them after a pause. What is too much is refused, not queued.
//
// As the generic cell rate algorithm (ITU-T I.371): one number, the time at which the bucket would be full again. Thread-safe,
// without locks; shared by all shards.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace fiso::link {

class RateLimit {
 public:
  // `per_second` above 0; `burst` at least 1.
  RateLimit(double per_second, int64_t burst, const Clock& clock = Clock::system())
      : interval_(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / per_second))),
        tolerance_(interval_ * (burst - 1)),
        clock_(clock) {}

  // Zero: take it. Otherwise how long until there is room for one.
  Duration try_take() {
    int64_t now = clock_.now().time_since_epoch().count();
    int64_t full = full_at_.load(std::memory_order_relaxed);
    for (;;) {
      int64_t base = full > now ? full : now;
      int64_t too_much = base - now - tolerance_.count();
      if (too_much > 0) return Duration(too_much);
      if (full_at_.compare_exchange_weak(full, base + interval_.count(), std::memory_order_relaxed)) return Duration(0);
    }
  }

 private:
  const Duration interval_, tolerance_;
  const Clock& clock_;
  std::atomic<int64_t> full_at_{0};  // nanoseconds of the monotonic clock
};

}  // namespace fiso::link

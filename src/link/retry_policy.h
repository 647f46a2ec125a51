// Which attempts at a target are made again, and after what pause.
//
// Made again: network errors and the statuses 429, 502, 503, 504, of requests that may be acted upon twice (idempotent methods,
// or those with an Idempotency-Key). The pause follows `backoff`, give or take `jitter`, and is never shorter than what the
// target's Retry-After asks for. RetryBudget bounds them over all requests, so that a target that is down is not asked many times
// as often.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/header_list.h"

namespace fiso::link {

enum class Backoff { kConstant, kLinear, kExponential };

struct RetryOptions {
  int64_t max_attempts = 3;
  Backoff backoff = Backoff::kExponential;
  Duration initial_interval = std::chrono::milliseconds(200);
  Duration max_interval = std::chrono::seconds(30);
  double jitter = 0.2;
};

// May be acted upon twice.
bool is_repeatable(std::string_view method, const HeaderList& headers);
bool is_retryable_status(int status);
bool is_retryable(const Error& error);

// Before the attempt that follows attempt `made` (counted from 1); `random` from [0, 1).
Duration pause_after(const RetryOptions& options, int64_t made, double random);

// A fifth of the requests may be made again, and ten a second besides. Thread-safe, without locks.
class RetryBudget {
 public:
  explicit RetryBudget(const Clock& clock = Clock::system());
  void note_request();
  // False when it is used up.
  bool try_take();

 private:
  const Clock& clock_;
  std::atomic<int64_t> tokens_;      // in fifths of a retry
  std::atomic<int64_t> counted_to_;  // nanoseconds of the monotonic clock
};

}  // namespace fiso::link

#include "link/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "net/http_client.h"

namespace fiso::link {
namespace {

constexpr int64_t kRetry = 5;                                        // tokens of one retry; a request brings one
constexpr int64_t kPerSecond = 10 * kRetry;                          // tokens that come by themselves
constexpr int64_t kMost = 10 * kPerSecond;                           // what may be saved up
constexpr int64_t kTokenTime = int64_t{1'000'000'000} / kPerSecond;  // nanoseconds

}  // namespace

bool is_repeatable(std::string_view method, const HeaderList& headers) {
  return net::is_idempotent(method) || headers.contains("Idempotency-Key");
}

bool is_retryable_status(int status) { return status == 429 || (status >= 502 && status <= 504); }

bool is_retryable(const Error& error) { return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kTimeout; }

Duration pause_after(const RetryOptions& options, int64_t made, double random) {
  double factor = 1;
  if (options.backoff == Backoff::kLinear) factor = static_cast<double>(made);
  if (options.backoff == Backoff::kExponential) factor = std::exp2(static_cast<double>(std::min<int64_t>(made - 1, 40)));
  double seconds = std::chrono::duration<double>(options.initial_interval).count() * factor;
  seconds = std::min(seconds, std::chrono::duration<double>(options.max_interval).count());
  seconds *= 1 + options.jitter * (2 * random - 1);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

RetryBudget::RetryBudget(const Clock& clock)
    : clock_(clock), tokens_(kPerSecond), counted_to_(clock.now().time_since_epoch().count()) {}

void RetryBudget::note_request() {
  // Full is the usual state, and a write would cost the other shards their cache line.
  if (tokens_.load(std::memory_order_relaxed) < kMost) tokens_.fetch_add(1, std::memory_order_relaxed);
}

bool RetryBudget::try_take() {
  int64_t now = clock_.now().time_since_epoch().count(), counted = counted_to_.load(std::memory_order_relaxed);
  int64_t come = std::max<int64_t>(now - counted, 0) / kTokenTime;
  if (come > 0 && counted_to_.compare_exchange_strong(counted, counted + come * kTokenTime)) {
    int64_t room = kMost - tokens_.load(std::memory_order_relaxed);
    tokens_ += std::clamp<int64_t>(room, 0, come);
  }
  if (tokens_.fetch_sub(kRetry) >= kRetry) return true;
  tokens_ += kRetry;
  return false;
}

}  // namespace fiso::link

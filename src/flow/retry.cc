#include "flow/retry.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace fiso::flow {
namespace {

constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::seconds kLongestPause{30};

Duration with_jitter(Duration pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(0.8, 1.2);
  return std::chrono::duration_cast<Duration>(pause * factor(random));
}

// False if `stop` was closed, or is closed meanwhile.
Task<bool> pause_unless_stopped(Duration pause, async::Gate& stop) {
  async::Gate::Pass pass = stop.enter();
  if (!pass) co_return false;
  co_return !co_await stop.wait_closed(Clock::system().now() + pause);
}

Error after_attempts(Error error, int64_t attempts) {
  std::string message =
      "delivery failed after " + std::to_string(attempts) + (attempts == 1 ? " attempt: " : " attempts: ") + error.message();
  return std::move(error).with_message(std::move(message));
}

}  // namespace

Duration backoff_pause(Backoff backoff, int64_t attempt) {
  Duration pause = kFirstPause;
  if (backoff == Backoff::kLinear) pause *= std::min<int64_t>(attempt, 1000);
  if (backoff == Backoff::kExponential) pause *= int64_t{1} << std::min<int64_t>(attempt - 1, 20);
  return std::min<Duration>(pause, kLongestPause);
}

Task<Result<>> deliver_with_retries(core::Sink& sink, const core::Outbound& event, RetryPolicy policy, async::Gate& stop,
                                    observe::Counter& retries, int64_t* attempts) {
  for (int64_t attempt = 1;; ++attempt) {
    if (attempts != nullptr) *attempts = attempt;
    auto delivered = co_await sink.deliver(event);
    if (delivered.has_value() || policy.attempts <= 1) co_return delivered;
    Error error = delivered.take_error();
    if (!retryable(error.code())) co_return error;
    bool give_up = attempt >= policy.attempts || error.retry_after() > kLongestPause;
    if (give_up) co_return after_attempts(std::move(error), attempt);
    Duration pause = std::max(with_jitter(backoff_pause(policy.backoff, attempt)), error.retry_after());
    if (!co_await pause_unless_stopped(pause, stop)) co_return after_attempts(std::move(error), attempt);
    retries.increment();
  }
}

}  // namespace fiso::flow

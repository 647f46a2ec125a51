#include "apps/app_state.h"

#include "async/signal.h"

namespace fiso::apps {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::kStopped: return "stopped";
    case State::kStarting: return "starting";
    case State::kHealthy: return "healthy";
    case State::kUnhealthy: return "unhealthy";
    case State::kStopping: break;
  }
  return "stopping";
}

void AppState::set(State state) {
  State before = get();
  do {
    if (before == state || (before == State::kStopping && state != State::kStopped)) return;
  } while (!state_.compare_exchange_weak(before, state, std::memory_order_relaxed));
  healthy_.set(state == State::kHealthy ? 1 : 0);
  log_.info("app state changed", {{"from", to_string(before)}, {"to", to_string(state)}});
}

Task<bool> AppState::enter() {
  if (get() == State::kHealthy) co_return true;
  bool admitted = waiting_.fetch_add(1, std::memory_order_relaxed) < kMostWaiting;
  MonotonicTime deadline = now() + kLongestWait;
  while (admitted && get() != State::kHealthy && get() != State::kStopping && now() < deadline)
    co_await async::sleep_until(now() + kLook);
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  co_return get() == State::kHealthy;
}

}  // namespace fiso::apps

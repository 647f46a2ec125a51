#include "apps/app_state.h"

#include "async/signal.h"

namespace fiso::apps {
namespace {

constexpr std::array kStates{State::kStopped, State::kStarting, State::kHealthy, State::kUnhealthy, State::kStopping};

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

StateGauges::StateGauges(const observe::SeriesGroup& app)
    : healthy_(app.gauge("fiso_app_healthy", "1 while the app is healthy.")), states_{} {
  for (size_t i = 0; i < kStates.size(); ++i)
    states_[i] =
        &app.gauge("fiso_app_state", "1 for the state that the app is in.", {{"state", std::string(to_string(kStates[i]))}});
}

void StateGauges::show(State state) {
  healthy_.set(state == State::kHealthy ? 1 : 0);
  for (size_t i = 0; i < kStates.size(); ++i) states_[i]->set(state == kStates[i] ? 1 : 0);
}

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
  shown_.with([&](Shown shown) {
    State before = get();
    if (before == state || (before == State::kStopping && state != State::kStopped)) return;
    state_.store(state, std::memory_order_relaxed);
    if (shown == Shown::kYes) gauges_.show(state);
    log_.info("app state changed", {{"from", to_string(before)}, {"to", to_string(state)}});
  });
}

void AppState::show(Shown shown) {
  shown_.with([&](Shown& now_shown) {
    now_shown = shown;
    if (shown == Shown::kYes) gauges_.show(get());
  });
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

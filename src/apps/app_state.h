// Where an app is in its life, and the door that requests go through meanwhile.
//
//   stopped -> starting -> healthy <-> unhealthy -> stopping -> stopped
//
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

#include "async/task.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace fiso::apps {

// The short queue in which whatever comes waits for a guest: so many, for so long, looking that often where nothing tells.
inline constexpr size_t kMostWaiting = 100;
inline constexpr std::chrono::seconds kLongestWait{1};
inline constexpr std::chrono::milliseconds kLook{5};

enum class State { kStopped, kStarting, kHealthy, kUnhealthy, kStopping };

std::string_view to_string(State state);

class AppState {
 public:
  // `log` carries the app's name; the gauge is 1 while it is healthy.
  AppState(observe::Log log, observe::Gauge& healthy) : log_(std::move(log)), healthy_(healthy) {}

  State get() const { return state_.load(std::memory_order_relaxed); }
  // A line in the log if that is new. Without effect while the app stops, but for kStopped: a probe that was under way when the
  // stop began must not open the door again.
  void set(State state);

  // True as soon as the app is healthy. Others wait a moment for that, in the short queue, so that a restart drops nothing. On a
  // shard.
  Task<bool> enter();

 private:
  observe::Log log_;
  observe::Gauge& healthy_;
  std::atomic<State> state_{State::kStopped};
  std::atomic<size_t> waiting_{0};
};

}  // namespace fiso::apps

// Where an app is in its life, and the door that requests go through meanwhile.
//
//   stopped -> starting -> healthy <-> unhealthy -> stopping -> stopped
//
// Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <string_view>

#include "async/task.h"
#include "base/guarded.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace fiso::apps {

// The short queue in which whatever comes waits for a guest: so many, for so long, looking that often where nothing tells.
inline constexpr size_t kMostWaiting = 100;
inline constexpr std::chrono::seconds kLongestWait{1};
inline constexpr std::chrono::milliseconds kLook{5};

enum class State { kStopped, kStarting, kHealthy, kUnhealthy, kStopping };

std::string_view to_string(State state);

// Whether the gauge says how this one is: of two that replace each other only one does.
enum class Shown { kNo, kYes };

// The series of an app's state: 1 while it is healthy, and for the state that it is in.
class StateGauges {
 public:
  explicit StateGauges(const observe::SeriesGroup& app);
  void show(State state);

 private:
  observe::Gauge& healthy_;
  std::array<observe::Gauge*, 5> states_;
};

class AppState {
 public:
  // `log` carries the app's name.
  AppState(observe::Log log, StateGauges gauges, Shown shown = Shown::kYes)
      : log_(std::move(log)), gauges_(gauges), shown_(shown) {}

  State get() const { return state_.load(std::memory_order_relaxed); }
  // A line in the log if that is new. Without effect while the app stops, but for kStopped: a probe that was under way when the
  // stop began must not open the door again.
  void set(State state);
  void show(Shown shown);

  // True as soon as the app is healthy. Others wait a moment for that, in the short queue, so that a restart drops nothing. On a
  // shard.
  Task<bool> enter();

 private:
  observe::Log log_;
  StateGauges gauges_;
  Guarded<Shown> shown_;  // and whoever changes the state
  std::atomic<State> state_{State::kStopped};
  std::atomic<size_t> waiting_{0};
};

}  // namespace fiso::apps

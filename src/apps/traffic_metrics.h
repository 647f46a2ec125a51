// The series that every app has of its requests, whatever kind it is.
#pragma once

#include <array>
#include <string>

#include "base/clock.h"
#include "observe/metrics.h"

namespace fiso::apps {

class TrafficMetrics {
 public:
  TrafficMetrics() = default;
  TrafficMetrics(observe::Metrics& metrics, const std::string& app) {
    for (int kind = 1; kind < 6; ++kind)
      answers_[static_cast<size_t>(kind)] =
          &metrics.counter("fiso_app_requests_total", "Requests to apps, by the class of the answer.",
                           {{"app", app}, {"status", std::to_string(kind) + "xx"}});
    seconds_ = &metrics.histogram("fiso_app_request_duration_seconds", "Time of a request, waiting included.", {{"app", app}},
                                  observe::kFineBuckets);
  }

  // A request that was answered; one that was upgraded (1xx) took no time that says anything. Thread-safe.
  void note(int status, Duration taken) const {
    if (status >= 200) seconds_->observe(taken);
    if (observe::Counter* counter = answers_[static_cast<size_t>(status / 100) % answers_.size()]; counter != nullptr)
      counter->increment();
  }

 private:
  std::array<observe::Counter*, 6> answers_{};  // by the class of the status, 1 to 5
  observe::Histogram* seconds_ = nullptr;
};

}  // namespace fiso::apps

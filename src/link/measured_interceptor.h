// An interceptor of a target, with the series of what its calls come to.
//
// Threading: the series are shared; an interceptor is shard-local.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "core/interceptor.h"
#include "observe/metrics.h"

namespace fiso::link {

struct InterceptorSeries {
  InterceptorSeries(observe::Metrics& metrics, std::string_view target, std::string_view module, std::string_view phase)
      : group(metrics, {{"target", target}, {"module", module}, {"phase", phase}}),
        good(invocations("true")),
        bad(invocations("false")),
        errors(group.counter("fiso_link_interceptor_errors_total", "Calls of an interceptor that failed, failOpen or not.")),
        seconds(group.histogram("fiso_link_interceptor_duration_seconds", "Time of a call of an interceptor.")) {}

  const observe::SeriesGroup group;
  observe::Counter &good, &bad;
  observe::Counter& errors;
  observe::Histogram& seconds;

 private:
  observe::Counter& invocations(std::string_view success) const {
    return group.counter("fiso_link_interceptor_invocations_total", "Calls of an interceptor.", {{"success", success}});
  }
};

class MeasuredInterceptor final : public core::Interceptor {
 public:
  // Borrows the series.
  MeasuredInterceptor(std::unique_ptr<core::Interceptor> measured, const InterceptorSeries& series)
      : measured_(std::move(measured)), series_(series) {}

  Task<Result<>> process(core::Event& event) override {
    MonotonicTime began = std::chrono::steady_clock::now();
    event.failure_passed = false;
    Result<> done = co_await measured_->process(event);
    series_.seconds.observe(std::chrono::steady_clock::now() - began);
    bool good = done.has_value() && !event.failure_passed;
    (good ? series_.good : series_.bad).increment();
    if (!good) series_.errors.increment();
    co_return done;
  }

 private:
  const std::unique_ptr<core::Interceptor> measured_;
  const InterceptorSeries& series_;
};

}  // namespace fiso::link

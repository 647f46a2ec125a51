#include "apps/use_metrics.h"

namespace fiso::apps {

UseMetrics::UseMetrics(observe::Metrics& metrics, const AppConfig& app)
    : series_(std::make_shared<const observe::SeriesGroup>(metrics, observe::Labels{{"app", app.name}})),
      cpu_(series_->seconds("fiso_app_cpu_seconds_total", "CPU time of an app's guests.")),
      memory_(series_->gauge("fiso_app_memory_bytes", "Linear memory of an app's guests.")) {
  if (app.runtime == wasm::Runtime::kFull)
    resident_ = &series_->gauge("fiso_app_resident_bytes", "Resident memory of an app's worker processes.");
}

void UseMetrics::measure(wasm::GuestSetup& setup) const {
  setup.series = series_;
  setup.cpu = &cpu_;
  setup.memory_bytes = &memory_;
  setup.resident_bytes = resident_;
}

}  // namespace fiso::apps

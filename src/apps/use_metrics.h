// The series of what an app's guests use of the machine.
//
//   fiso_app_cpu_seconds_total   only rises, restarts or not
//   fiso_app_memory_bytes        linear memory of the guests that there are
//   fiso_app_resident_bytes      resident memory of their processes, where they have processes of their own
//
// Engines move them, through the setup that guests are made with. Apps of one name share them. Thread-safe.
#pragma once

#include <memory>
#include <optional>

#include "apps/app_config.h"
#include "observe/metrics.h"
#include "wasm/engine.h"

namespace fiso::apps {

class UseMetrics {
 public:
  UseMetrics(observe::Metrics& metrics, const AppConfig& app);

  // Guests that are made with the setup are counted from now on.
  void measure(wasm::GuestSetup& setup) const;

  Duration cpu() const { return cpu_.value(); }
  Bytes memory() const { return to_bytes(memory_); }
  std::optional<Bytes> resident() const { return resident_ == nullptr ? std::nullopt : std::optional(to_bytes(*resident_)); }

 private:
  static Bytes to_bytes(const observe::Gauge& gauge) { return Bytes{static_cast<uint64_t>(gauge.value())}; }

  std::shared_ptr<const observe::SeriesGroup> series_;
  observe::SecondsCounter& cpu_;
  observe::Gauge& memory_;
  observe::Gauge* resident_ = nullptr;  // null on the light engine
};

}  // namespace fiso::apps

// Asks an app how it is, by a GET of its `healthCheck`, and counts what it was told.
//
// ask() on the service's shard, one at a time; the counts are thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

#include "apps/app_config.h"
#include "apps/app_service.h"
#include "observe/metrics.h"

namespace fiso::apps {

class HealthProbe {
 public:
  // `config` is borrowed.
  HealthProbe(const AppConfig& config, const observe::SeriesGroup& app);

  // True for a 2xx within healthCheckTimeout.
  Task<bool> ask(AppService& service);

  uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  const AppConfig& config_;
  std::atomic<uint64_t> asked_{0};
  std::atomic<uint64_t> failed_{0};
  observe::Counter& good_counter_;
  observe::Counter& failed_counter_;
};

}  // namespace fiso::apps

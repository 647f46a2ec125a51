// What one shard's way to a guest that lives on is made of. Borrowed for its life, but for what it shares.
#pragma once

#include <memory>

#include "apps/supervisor.h"
#include "apps/traffic_metrics.h"
#include "async/blocking_pool.h"

namespace fiso::apps {

struct ResidentParts {
  async::Shard& shard;
  async::Shard& home;  // the supervisor's
  async::BlockingPool& blocking;
  std::shared_ptr<Supervisor> supervisor;
  const AppConfig& config;
  Bytes largest_body;  // of an answer that is taken as a whole
  TrafficMetrics traffic;
  observe::Log log;  // carries the app's name
};

}  // namespace fiso::apps

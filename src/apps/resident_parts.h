// What one shard's way to a guest that lives on is made of. Borrowed for its life, but for what it shares.
#pragma once

#include <memory>
#include <vector>

#include "apps/supervisor.h"
#include "apps/traffic_metrics.h"
#include "async/blocking_pool.h"

namespace fiso::apps {

class ResidentHttp;

// The ways of all shards to one guest, each touched on its own shard.
struct ResidentPeers {
  explicit ResidentPeers(async::ShardSet& all) : shards(all), ways(all.count()) {}
  async::ShardSet& shards;
  std::vector<ResidentHttp*> ways;  // by shard; null while there is none
};

struct ResidentParts {
  async::Shard& shard;
  async::Shard& home;  // the supervisor's
  async::BlockingPool& blocking;
  std::shared_ptr<Supervisor> supervisor;
  std::shared_ptr<ResidentPeers> peers;
  const AppConfig& config;
  Bytes largest_body;  // of an answer that is taken as a whole
  TrafficMetrics traffic;
  observe::Log log;  // carries the app's name
};

}  // namespace fiso::apps

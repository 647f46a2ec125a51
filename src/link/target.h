// A target: what all shards share of it, and what each has for itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/blocking_pool.h"
#include "async/limiter.h"
#include "link/answer_metrics.h"
#include "link/circuit_breaker.h"
#include "link/credential_slot.h"
#include "link/rate_limit.h"
#include "link/target_config.h"
#include "net/http_client.h"
#include "observe/metrics.h"

namespace fiso::link {

// Immutable but for its counters, which are thread-safe. Made by the control thread; outlives its replicas.
class Target {
 public:
  // The error is the operator's to read.
  static Result<std::unique_ptr<Target>> make(const TargetConfig& config, async::ShardSet& shards, observe::Metrics& metrics);

  const TargetConfig config;
  const PathRules paths;
  net::ClientOptions client;
  std::optional<CircuitBreaker> breaker;
  std::optional<RateLimit> rate;
  RetryBudget retries;
  async::Limiter connections;
  // Series with the labels that name the target.
  observe::SeriesGroup series;
  observe::Gauge& circuit_state;  // 0 closed, 1 half-open, 2 open
  observe::Counter& rate_limited;

  // Brings the gauge of the breaker up to date.
  void show() const;

 private:
  Target(const TargetConfig& config, async::ShardSet& shards, observe::Metrics& metrics);
};

// Shard-local.
struct TargetReplica {
  TargetReplica(Target& target, async::Shard& shard, async::BlockingPool& blocking)
      : shared(target), client(shard, blocking, target.client), credential(shard.executor()), answers(target.series) {}

  Target& shared;
  net::HttpClient client;
  CredentialSlot credential;  // of targets with auth
  AnswerMetrics answers;
};

}  // namespace fiso::link

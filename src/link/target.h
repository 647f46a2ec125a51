// A target: what all shards share of it, and what each has for itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/blocking_pool.h"
#include "async/limiter.h"
#include "link/circuit_breaker.h"
#include "link/credentials.h"
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
class TargetReplica {
 public:
  TargetReplica(Target& target, async::Shard& shard, async::BlockingPool& blocking)
      : shared(target), client(shard, blocking, target.client) {}

  Target& shared;
  net::HttpClient client;
  std::optional<Credential> credential;  // of targets with auth; none: its secret is gone

  // A request that was answered, or "error" where no answer could be given.
  void note_answer(std::string_view method, std::string_view status, Duration taken);
  void note_retry(int64_t attempt);

 private:
  // Looked up once each: the registry has a lock.
  struct Answers {
    std::string_view method;
    std::string status;
    observe::Counter* count;
    observe::Histogram* seconds;
  };
  std::vector<Answers> answers_;
  std::vector<observe::Counter*> retries_;  // by attempt
};

// The method as a label: one of the usual ones, or "other".
std::string_view method_label(std::string_view method);

}  // namespace fiso::link

// A target: what all shards share of it, and what each has for itself.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/blocking_pool.h"
#include "async/limiter.h"
#include "kafka/producer.h"
#include "link/answer_metrics.h"
#include "link/circuit_breaker.h"
#include "link/credential_slot.h"
#include "link/interceptions.h"
#include "link/rate_limit.h"
#include "link/target_config.h"
#include "net/http_client.h"
#include "observe/metrics.h"

namespace fiso::link {

// Immutable but for its counters, which are thread-safe. Made by the control thread; its replicas hold it.
class Target {
 public:
  // The error is the operator's to read.
  // `local`: where apps of this process are found, of `protocol: app`. Borrowed.
  static Result<std::shared_ptr<Target>> make(const TargetConfig& config, std::vector<std::string> name_servers,
                                              async::ShardSet& shards, observe::Metrics& metrics,
                                              std::shared_ptr<kafka::Producer> producer = nullptr,
                                              const net::LocalServices* local = nullptr);

  const TargetConfig config;
  const PathRules paths;
  const net::AddressRules addresses;
  net::ClientOptions client;
  std::optional<CircuitBreaker> breaker;
  std::optional<RateLimit> rate;
  RetryBudget retries;
  async::Limiter connections;
  std::shared_ptr<kafka::Producer> producer;  // of `protocol: kafka`, in place of a client
  // Series with the labels that name the target.
  observe::SeriesGroup series;
  observe::Gauge& circuit_state;  // 0 closed, 1 half-open, 2 open
  observe::Counter& rate_limited;
  observe::Counter& address_refused;

  // Brings the gauge of the breaker up to date.
  void show() const;

 private:
  Target(const TargetConfig& config, async::ShardSet& shards, observe::Metrics& metrics);
};

// The producer of a target of `protocol: kafka`, whose cluster this is. `longest_body`: of a request.
kafka::ProducerOptions producer_options(const TargetConfig& target, const kafka::ClusterConfig& cluster, size_t longest_body);

// What a reading of the link file comes to.
struct TargetInUse {
  std::shared_ptr<Target> target;
  std::shared_ptr<const InterceptionPlan> interceptions;
};
using Targets = std::vector<TargetInUse>;

// Shard-local; held by the requests that use it.
struct TargetReplica {
  TargetReplica(std::shared_ptr<Target> target, async::Shard& shard, async::BlockingPool& blocking)
      : held(std::move(target)),
        shared(*held),
        client(shard, blocking, shared.client),
        credential(shard.executor()),
        answers(shared.series, shared.producer != nullptr ? "kafka" : "sync") {}

  const std::shared_ptr<Target> held;
  Target& shared;
  net::HttpClient client;
  CredentialSlot credential;  // of targets with auth
  AnswerMetrics answers;
};

}  // namespace fiso::link

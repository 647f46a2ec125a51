#include "link/target.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "net/local_services.h"

namespace fiso::link {
namespace {

// Who waits for a connection waits within its target's timeout, so this is only a bound on the absurd.
constexpr size_t kMostWaiting = 100'000;

net::Uri origin_of(const TargetConfig& config) {
  if (config.protocol == Protocol::kApp) return {.host = "localhost"};  // for the Host field
  bool tls = config.is_secure();
  return {.scheme = tls ? net::Scheme::kHttps : net::Scheme::kHttp,
          .host = bare_host(config.host),
          .port = config.effective_port(),
          .target = "/"};
}

net::Speaks speaks_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
    case Protocol::kApp: return net::Speaks::kHttp1;
    case Protocol::kHttps: return net::Speaks::kHttp1OrHttp2;
    case Protocol::kGrpc: return net::Speaks::kHttp2;
    case Protocol::kKafka: break;  // by a producer of its own
  }
  return net::Speaks::kHttp1;
}

int64_t burst_of(const RateLimitConfig& limit) {
  return limit.burst > 0 ? limit.burst : std::max<int64_t>(1, std::llround(std::floor(limit.requests_per_second)));
}

}  // namespace

kafka::ProducerOptions producer_options(const TargetConfig& target, const kafka::ClusterConfig& cluster, size_t longest_body) {
  constexpr size_t kBesideTheBody = 1 << 20,
                   kLongest = 1'000'000'000;  // key and headers, which the listener bounds; librdkafka's own
  kafka::ProducerOptions options{.cluster = target.kafka->cluster,
                                 .config = cluster,
                                 .acks = target.kafka->acks,
                                 .delivery_timeout = target.timeout,
                                 .max_record_bytes = std::min(longest_body + kBesideTheBody, kLongest)};
  if (target.retry.has_value()) {
    options.max_attempts = target.retry->max_attempts;
    options.retry_pause = target.retry->initial_interval.duration;
  }
  return options;
}

Target::Target(const TargetConfig& target, async::ShardSet& shards, observe::Metrics& metrics)
    : config(target),
      paths(target.allowed_paths),
      addresses(address_rules(target.allow_private, target.allow_addresses)),
      client{.origin = origin_of(target), .tls_name = target.tls_settings().server_name, .addresses = &addresses},
      connections(shards, static_cast<uint64_t>(target.max_connections), kMostWaiting),
      series(metrics, {{"target", target.name}}),
      circuit_state(series.gauge("fiso_link_circuit_state", "The breaker of a target: 0 closed, 1 half-open, 2 open.")),
      rate_limited(series.counter("fiso_link_rate_limited_total", "Requests refused by a target's rate limit.")),
      address_refused(series.counter("fiso_link_address_refused_total",
                                     "Requests not made because no address of the target may be connected to.")) {
  client.connections = &connections;
  client.speaks = speaks_of(target.protocol);
  if (target.breaker.enabled)
    breaker.emplace(BreakerOptions{.failure_threshold = target.breaker.failure_threshold,
                                   .success_threshold = target.breaker.success_threshold,
                                   .reset_timeout = target.breaker.reset_timeout.duration});
  if (target.rate_limit.requests_per_second > 0) rate.emplace(target.rate_limit.requests_per_second, burst_of(target.rate_limit));
}

Result<std::shared_ptr<Target>> Target::make(const TargetConfig& config, std::vector<std::string> name_servers,
                                             async::ShardSet& shards, observe::Metrics& metrics,
                                             std::shared_ptr<kafka::Producer> producer, const net::LocalServices* local) {
  std::shared_ptr<Target> target(new Target(config, shards, metrics));
  target->producer = std::move(producer);
  target->client.name_servers = std::move(name_servers);
  if (config.protocol == Protocol::kApp) {
    target->client.local = local;
    target->client.local_name = net::LocalUrl{.name = config.app}.service();
  }
  if (config.is_secure()) {
    auto tls = net::make_tls_client_context(config.tls_settings().options());
    if (!tls.has_value()) return tls.take_error().with_context("target \"" + config.name + "\"");
    target->client.tls = std::move(*tls);
  }
  return target;
}

void Target::show() const {
  if (producer != nullptr)
    series.gauge("fiso_link_kafka_records_waiting", "Records that no broker has acknowledged yet, of the producer of a target.")
        .set(static_cast<double>(producer->queued()));
  if (!breaker.has_value()) return;
  CircuitBreaker::State state = breaker->state();
  circuit_state.set(state == CircuitBreaker::State::kClosed ? 0 : state == CircuitBreaker::State::kHalfOpen ? 1 : 2);
}

}  // namespace fiso::link

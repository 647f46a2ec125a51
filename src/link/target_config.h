// A target as the link file describes it: where it is, what may be asked of it, and how it is asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/spec.h"
#include "core/component_config.h"
#include "link/auth_config.h"
#include "link/kafka_config.h"
#include "link/path_rules.h"
#include "link/retry_policy.h"
#include "link/target_reach.h"

namespace fiso::link {

enum class Protocol { kHttp, kHttps, kGrpc, kKafka, kApp };

struct BreakerConfig {
  bool enabled = false;
  int64_t failure_threshold = 5;
  int64_t success_threshold = 3;
  config::Milliseconds reset_timeout{std::chrono::seconds(30)};
};

struct RetryConfig {
  int64_t max_attempts = 3;
  Backoff backoff = Backoff::kExponential;
  config::Milliseconds initial_interval{std::chrono::milliseconds(200)};
  config::Milliseconds max_interval{std::chrono::seconds(30)};
  double jitter = 0.2;

  RetryOptions options() const { return {max_attempts, backoff, initial_interval.duration, max_interval.duration, jitter}; }
};

struct RateLimitConfig {
  double requests_per_second = 0;  // 0: none
  int64_t burst = 0;               // 0: as many as come in a second, at least one
};

struct TargetConfig {
  std::string name;
  Protocol protocol = Protocol::kHttps;
  std::string app;   // of that protocol: an app of the process, in place of host and port
  std::string host;  // empty of kafka and app; an IPv6 address with brackets or without
  int64_t port = 0;  // 0: the protocol's
  std::string base_path;
  AuthConfig auth;
  BreakerConfig breaker;
  std::optional<RetryConfig> retry;  // of kafka without it: as often as there is time for
  RateLimitConfig rate_limit;
  std::vector<std::string> allowed_paths;
  Duration timeout = std::chrono::seconds(30);
  int64_t max_connections = 1000;
  bool allow_private = true;
  std::vector<std::string> allow_addresses;
  std::optional<TargetTls> tls;
  std::optional<KafkaTarget> kafka;  // of that protocol
  std::vector<core::ComponentConfig> interceptors;

  uint16_t effective_port() const;
  // Over TLS: https always, grpc where there is a `tls`, even an empty one.
  bool is_secure() const { return protocol == Protocol::kHttps || (protocol == Protocol::kGrpc && tls.has_value()); }
  TargetTls tls_settings() const { return tls.value_or(TargetTls()); }
  RetryOptions retry_options() const { return retry.value_or(RetryConfig()).options(); }
};

// The types of interceptors are those of the registry.
config::Spec<TargetConfig> target_spec(const core::Registry& registry);

// What one target alone cannot know: names that occur twice, told at the second. Targets may have been read in part.
void check_targets(const std::vector<TargetConfig>& targets, config::Report& report);

}  // namespace fiso::link

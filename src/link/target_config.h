// A target as the link file describes it: where it is, what may be asked of it, and how it is asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/spec.h"
#include "link/path_rules.h"
#include "link/retry_policy.h"

namespace fiso::link {

enum class Protocol { kHttp, kHttps, kGrpc };
enum class AuthType { kNone, kBearer, kApiKey, kBasic };

// Where a secret comes from: a file, read again when it changes, or a variable of the environment.
struct SecretRef {
  std::string file_path;
  std::string env_var;
};

struct AuthConfig {
  AuthType type = AuthType::kNone;
  SecretRef secret;
  std::string header;    // of an API key; empty: Authorization
  std::string username;  // basic: with it the secret is the password, without it what is sent as it is
};

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

struct TargetTls {
  std::string ca_file;
};

struct TargetConfig {
  std::string name;
  Protocol protocol = Protocol::kHttps;
  std::string host;
  int64_t port = 0;  // 0: the protocol's
  std::string base_path;
  AuthConfig auth;
  BreakerConfig breaker;
  RetryConfig retry;
  RateLimitConfig rate_limit;
  std::vector<std::string> allowed_paths;
  Duration timeout = std::chrono::seconds(30);
  int64_t max_connections = 1000;
  std::optional<TargetTls> tls;

  // Over TLS: https always, grpc where there is a `tls`, even an empty one.
  bool is_secure() const { return protocol == Protocol::kHttps || (protocol == Protocol::kGrpc && tls.has_value()); }
};

config::Spec<TargetConfig> target_spec();

// What one target alone cannot know: names that occur twice.
void check_targets(const std::vector<TargetConfig>& targets, config::Report& report);

}  // namespace fiso::link

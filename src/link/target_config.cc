#include "link/target_config.h"

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "net/uri.h"

namespace fiso::link {
namespace {

using config::Report;
using config::Spec;

// Keys whose 0 is their default, as it has always been.
template <class M>
config::Rules<M> or_default(config::Rules<M> rules) {
  rules.zero = config::Zero::kDefault;
  return rules;
}

config::Rules<int64_t> bounds(int64_t least, int64_t most) { return config::between<int64_t>(least, most); }

config::Rules<config::Milliseconds> pause_rules() {
  return config::between<config::Milliseconds>({std::chrono::milliseconds(1)}, {std::chrono::hours(24)});
}

// A name is a segment of the path as callers write it.
std::optional<std::string> bad_name(const std::string& name) {
  bool plain = std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  if (plain && name.size() <= 100 && name != "." && name != "..") return std::nullopt;
  return "{path} \"{value}\": a name has up to 100 letters, digits, - _ and .";
}

std::optional<std::string> bad_base_path(const std::string& path) {
  if (path.empty()) return std::nullopt;
  if (!path.starts_with('/')) return "{path} \"{value}\" does not begin with /";
  auto uri = net::parse_uri("http://x" + path);
  if (!uri.has_value() || path.find_first_of("?#") != std::string::npos) return "{path} \"{value}\" is not a path";
  if (resolve_dot_segments(path) != path) return "{path} \"{value}\" has segments of dots";
  return std::nullopt;
}

void check_patterns(const TargetConfig& target, Report& report) {
  for (size_t i = 0; i < target.allowed_paths.size(); ++i)
    if (auto complaint = PathRules::complaint(target.allowed_paths[i]))
      report.item_error("allowedPaths", i, "{path}: " + config::quote(target.allowed_paths[i]) + ": " + *complaint);
}

Spec<BreakerConfig> breaker_spec() {
  auto count = or_default(bounds(1, 1'000'000));
  auto reset = or_default(pause_rules());
  return Spec<BreakerConfig>("circuitBreaker", "Stops calls to a target that fails, until it is well again.")
      .field("enabled", &BreakerConfig::enabled, "Whether there is one.")
      .field("failureThreshold", &BreakerConfig::failure_threshold,
             "Failures in a row that open it: statuses from 500 on, timeouts, no connection.", count)
      .field("successThreshold", &BreakerConfig::success_threshold, "Good calls in a row that close it again.", count)
      .field("resetTimeout", &BreakerConfig::reset_timeout, "How long it stays open before a call is tried.", reset)
      .check([](const BreakerConfig& breaker, Report& report) {
        if (!breaker.enabled && !report.has("enabled"))  // who has switched it off need not take its numbers out
          for (std::string_view key : {"failureThreshold", "successThreshold", "resetTimeout"})
            if (report.has(key)) report.error(key, "{path} has an effect with `enabled: true` only");
      });
}

Spec<RetryConfig> retry_spec() {
  config::Rules<double> jitter;
  jitter.check = [](double value) -> std::optional<std::string> {
    if (value >= 0 && value <= 1) return std::nullopt;
    return "{path} must be between 0.0 and 1.0, got " + std::to_string(value);
  };
  return Spec<RetryConfig>("retry", "Requests that may be acted upon twice are made again when that can help.")
      .field("maxAttempts", &RetryConfig::max_attempts, "Attempts in all; 1 is no retry, 0 the default.",
             or_default(bounds(1, 100)))
      .choice("backoff", &RetryConfig::backoff, "How the pause between attempts grows.",
              {{"constant", Backoff::kConstant}, {"linear", Backoff::kLinear}, {"exponential", Backoff::kExponential}})
      .field("initialInterval", &RetryConfig::initial_interval, "The first pause.", or_default(pause_rules()))
      .field("maxInterval", &RetryConfig::max_interval, "The longest pause.", or_default(pause_rules()))
      .field("jitter", &RetryConfig::jitter, "By which part of it a pause may be shorter or longer.", jitter);
}

Spec<RateLimitConfig> rate_limit_spec() {
  auto not_negative = [](const char* text) {
    return [text](const auto& value) -> std::optional<std::string> {
      if (value >= 0) return std::nullopt;
      return std::string("{path}: ") + text;
    };
  };
  config::Rules<double> rate;
  rate.max = 1'000'000;
  rate.check = not_negative("rateLimit.requestsPerSecond must be >= 0");
  config::Rules<int64_t> burst;
  burst.max = 1'000'000;
  burst.check = not_negative("rateLimit.burst must be >= 0");
  return Spec<RateLimitConfig>("rateLimit", "Requests beyond it are answered 429.")
      .field("requestsPerSecond", &RateLimitConfig::requests_per_second, "0 is no limit.", rate)
      .field("burst", &RateLimitConfig::burst, "Requests at once after a pause; 0 is as many as come in a second.", burst)
      .check([](const RateLimitConfig& limit, Report& report) {
        if (limit.requests_per_second <= 0 && report.has("burst") && !report.has("requestsPerSecond"))
          report.error("burst", "{path} has an effect with requestsPerSecond only");
      });
}

void check_host_is_there(const TargetConfig& target, Report& report) {
  bool needs_one = target.protocol != Protocol::kKafka && target.protocol != Protocol::kApp;
  if (needs_one && target.host.empty()) report.error("host", "{path}: host is required (except for kafka and app protocol)");
}

// An app of the process is found by its name alone.
void check_app(const TargetConfig& target, Report& report) {
  if (target.protocol != Protocol::kApp) {
    if (report.has("app")) report.error("app", "{path} has an effect with `protocol: app` only");
    return;
  }
  if (target.app.empty()) report.error("app", "{path}: app is required for app protocol: the name of an app");
  for (std::string_view key : {"host", "port", "tls", "allowPrivate", "allowAddresses"})
    if (report.has(key)) report.error(key, "{path} has no effect with `protocol: app`");
}

// What a topic cannot do without, and which keys it has no use for.
void check_kafka(const TargetConfig& target, Report& report) {
  if (target.protocol != Protocol::kKafka) {
    if (report.has("kafka")) report.error("kafka", "{path} has an effect with `protocol: kafka` only");
    return;
  }
  if (!report.has("kafka")) report.error("kafka", "{path}: kafka protocol requires kafka.cluster and kafka.topic");
  if (report.has("host")) report.error("host", "{path}: kafka protocol does not use host field (use kafka.clusters in config)");
  for (std::string_view key : {"port", "basePath", "auth", "allowedPaths", "maxConnections", "allowPrivate", "allowAddresses",
                               "tls", "retry.backoff", "retry.maxInterval", "retry.jitter"})
    if (report.has(key)) report.error(key, "{path} has no effect with `protocol: kafka`");
}

}  // namespace

Spec<TargetConfig> target_spec(const core::Registry& registry) {
  auto interceptor =
      core::component_spec("interceptor", "A step that may change or refuse requests, or answers.", registry.interceptors(), {});
  return Spec<TargetConfig>("target", "A service that callers reach as /link/NAME/….")
      .required("name", &TargetConfig::name, "What it is called in paths, logs and metrics.",
                {.missing = "{path}: name is required", .check = bad_name})
      .choice("protocol", &TargetConfig::protocol,
              "What it speaks: http is HTTP/1.1; https HTTP/2 or HTTP/1.1, as agreed by ALPN; grpc HTTP/2 and nothing else; "
              "kafka publishes to a topic; app is an app of this process (fiso-wasmer-link).",
              {{"http", Protocol::kHttp},
               {"https", Protocol::kHttps},
               {"grpc", Protocol::kGrpc},
               {"kafka", Protocol::kKafka},
               {"app", Protocol::kApp}},
              {.invalid = "{path} \"{value}\" is not valid (must be one of: http, https, grpc, kafka, app)"})
      .field("app", &TargetConfig::app, "Of `protocol: app`: its name.")
      .field("host", &TargetConfig::host, "A name or an IP address; required of all but kafka and app.", {.check = bad_host})
      .field("port", &TargetConfig::port, "0 is the protocol's own.", bounds(0, 65535))
      .field("basePath", &TargetConfig::base_path, "What stands before every path.", {.check = bad_base_path})
      .field("auth", &TargetConfig::auth, auth_spec(), "Credentials.")
      .field("circuitBreaker", &TargetConfig::breaker, breaker_spec(), "Off unless `enabled`.")
      .field("retry", &TargetConfig::retry, retry_spec(), "On without the key as well.")
      .field("rateLimit", &TargetConfig::rate_limit, rate_limit_spec(), "None without the key.")
      .field("allowedPaths", &TargetConfig::allowed_paths,
             "Patterns of paths, without basePath: * within a segment, /** at the end for all below. Without any, all are.")
      .field("timeout", &TargetConfig::timeout,
             "To the head of the answer, or, with inbound interceptors, to what they made of it; all attempts, pauses and "
             "interceptors included. Of kafka from the end of the body to the acknowledgement.",
             config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(1)))
      .field("maxConnections", &TargetConfig::max_connections,
             "Requests to it at a time, over all shards: over HTTP/1.1 as many connections.", bounds(1, 100'000))
      .field("allowPrivate", &TargetConfig::allow_private,
             "Whether it may be this machine or a neighbour: loopback, private and shared addresses, unique local ones of IPv6.")
      .field("allowAddresses", &TargetConfig::allow_addresses,
             "Addresses and blocks that may be connected to although they would be refused, such as 169.254.169.254.")
      .field("tls", &TargetConfig::tls, target_tls_spec(), "Of https; of grpc, which without the key is not encrypted.")
      .field("kafka", &TargetConfig::kafka, kafka_target_spec(), "Of `protocol: kafka`: the topic, and what records carry.")
      .field("interceptors", &TargetConfig::interceptors, interceptor, "Steps, in order.")
      .uncompared("interceptors")  // made anew by each reading of the file
      .check({"allowedPaths"}, check_patterns)
      .check({"allowAddresses"},
             [](const TargetConfig& target, Report& report) { check_addresses(target.allow_addresses, report); })
      .check({"host", "allowPrivate", "allowAddresses"},
             [](const TargetConfig& target, Report& report) {
               check_host_is_allowed(target.host, address_rules(target.allow_private, target.allow_addresses), report);
             })
      .check({"host"}, check_host_is_there)
      .check({"protocol"}, check_kafka)
      .check({"protocol", "app"}, check_app)
      .check({"protocol"}, [](const TargetConfig& target, Report& report) {
        if (target.protocol == Protocol::kHttp && report.has("tls"))
          report.error("tls", "{path} has an effect with `protocol: https` and `grpc` only");
        if (target.protocol == Protocol::kGrpc && report.has("interceptors"))
          report.error("interceptors", "{path}: a call of gRPC is a stream of messages, which guests are not shown");
      });
}

uint16_t TargetConfig::effective_port() const {
  if (port != 0) return static_cast<uint16_t>(port);
  return is_secure() ? 443 : 80;
}

void check_targets(const std::vector<TargetConfig>& targets, Report& report) {
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets[i].name.empty()) continue;
    auto [place, is_new] = places.emplace(targets[i].name, i);
    if (!is_new)
      report.item_error("targets", i,
                        "{path}: target " + config::quote(targets[i].name) + " is there twice: it is targets[" +
                            std::to_string(place->second) + "] already");
  }
}

}  // namespace fiso::link

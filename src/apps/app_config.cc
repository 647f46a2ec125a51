#include "apps/app_config.h"

#include <algorithm>
#include <set>

#include "base/ascii.h"
#include "components/guest_checks.h"
#include "components/guest_environment.h"
#include "components/guest_preopens.h"
#include "components/guest_words.h"
#include "components/listen_address.h"
#include "net/uri.h"

namespace fiso::apps {
namespace {

std::optional<std::string> bad_path(const std::string& path) {
  if (path.empty()) return std::nullopt;
  if (path.front() != '/') return "a path begins with /, got \"{value}\"";
  if (net::parse_uri("http://localhost" + path).has_value()) return std::nullopt;
  return "\"{value}\" is not a path: what is no printable ASCII must be percent-encoded, and there is no fragment";
}

// As it stands in texts, in labels, in paths of JSON.
std::optional<std::string> bad_name(const std::string& name) {
  bool plain = std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  if (plain && name.size() <= 100 && name != "." && name != "..") return std::nullopt;
  return "\"{value}\": a name has up to 100 letters, digits, - _ and .";
}

std::optional<std::string> bad_host(const std::string& host) {
  if (host.empty() || find_listen_ip(host).has_value()) return std::nullopt;
  return "{path} \"{value}\" is not an IP address, such as 0.0.0.0 or ::1";
}

config::Rules<int64_t> bounds(int64_t least, int64_t most) { return config::between<int64_t>(least, most); }
config::Rules<int64_t> port_bounds(int64_t least, std::string invalid) {
  return {.min = least, .max = 65535, .invalid = std::move(invalid)};
}

config::Rules<Duration> time_rules(std::string negative = "") {
  // What has a text of the contract may be 0 there.
  config::Zero zero = negative.empty() ? config::Zero::kIsANumber : config::Zero::kDefault;
  return {.min = std::chrono::milliseconds(1), .max = std::chrono::hours(24), .negative = std::move(negative), .zero = zero};
}

void check_listen(const AppConfig& app, config::Report& report) {
  if (app.network.has_value() && app.port != 0 && std::ranges::count(app.network->listen, app.port) != 0)
    report.error("network.listen", "port " + std::to_string(app.port) + " is the app's own");
  if (app.listen == Listen::kHttp) return;
  if (app.execution != Execution::kLongRunning)
    report.error("listen", "tcp needs `execution: longRunning`, a guest that serves its PORT");
  for (std::string_view key : {"healthCheck", "timeout", "unhealthyThreshold", "protocol", "stdio", "maxInFlight", "idleTimeout"})
    if (report.has(key)) report.error(key, "{path} has no effect with `listen: tcp`, where there are no requests");
}

void check_keys_of_modes(const AppConfig& app, config::Report& report) {
  if (app.execution != Execution::kPooled)
    for (std::string_view key : {"poolSize", "maxRequests"})
      if (report.has(key)) report.error(key, "{path} has an effect with `execution: pooled` only");
  if (app.runtime != wasm::Runtime::kFull)
    for (std::string_view key : {"network", "threads"})
      if (report.has(key)) report.error(key, "{path} has an effect with `runtime: wasmer` only");
  bool lives_on = app.execution == Execution::kLongRunning;
  if (!lives_on)
    for (std::string_view key : {"startTimeout", "restart", "protocol", "stdio", "idleTimeout", "network.listen"})
      if (report.has(key)) report.error(key, "{path} has an effect with `execution: longRunning` only");
  if (!lives_on && app.health_check.empty() && report.has("unhealthyThreshold"))
    report.error("unhealthyThreshold", "{path} has an effect with `healthCheck` or `execution: longRunning` only");
  if (app.stdio == Stdio::kNdjson && (app.protocol == Protocol::kHttp || app.protocol == Protocol::kJsonOnce))
    report.error("stdio", "ndjson goes with `protocol: ndjson` only");
  if (app.speaks() == Protocol::kNdjson || app.speaks() == Protocol::kJsonOnce)
    if (report.has("idleTimeout")) report.error("idleTimeout", "{path} has an effect on guests that serve HTTP only");
  check_listen(app, report);
  if (app.health_check.empty())
    for (std::string_view key : {"healthCheckInterval", "healthCheckTimeout"})
      if (report.has(key)) report.error(key, "{path} has an effect with `healthCheck` only");
}

}  // namespace

config::Spec<AppConfig> app_spec() {
  return config::Spec<AppConfig>("app", "A program compiled to WebAssembly that answers HTTP requests.")
      .required("name", &AppConfig::name, "What it is called, in logs and metrics too.",
                {.missing = "app name is required", .check = bad_name})
      .required("module", &AppConfig::module, "Path of the module.", {.missing = "module path is required"})
      .choice("runtime", &AppConfig::runtime,
              "The engine: `wasmer` in worker processes, with sockets and threads, or `wazero` inside this process.",
              {{"wasmer", wasm::Runtime::kFull}, {"wazero", wasm::Runtime::kLight}, {"wasmtime", wasm::Runtime::kLight}},
              {.invalid = "unknown runtime type: {value}"})
      .choice("execution", &AppConfig::execution,
              "A fresh instance per request, one that was started ahead, or one that lives on and serves its PORT.",
              {{"perRequest", Execution::kPerRequest}, {"pooled", Execution::kPooled}, {"longRunning", Execution::kLongRunning}},
              {.invalid = "invalid execution mode: {value}"})
      .field("port", &AppConfig::port, "Where it answers; 0 is a free port of the range.",
             port_bounds(0, "invalid port: {value}"))
      .choice("listen", &AppConfig::listen,
              "What its port speaks: `http`, or `tcp` for any protocol, whose bytes are carried to a longRunning guest.",
              {{"http", Listen::kHttp}, {"tcp", Listen::kTcp}})
      .field("listenAddr", &AppConfig::listen_addr, "IP address to answer on; empty is 127.0.0.1, or FISO_APPS_LISTEN.",
             {.check = bad_host})
      .field("memoryMB", &AppConfig::memory_mb, "Linear memory of one instance, in MiB.",
             {.min = 1, .max = 4096, .negative = "memory limit must be non-negative: {value}", .zero = config::Zero::kDefault})
      .field("timeout", &AppConfig::timeout,
             "When a request is answered 504. Its guest is stopped, unless it is one that lives on.",
             time_rules("timeout must be non-negative: {value}"))
      .choice("input", &AppConfig::input,
              "How the guest gets its input. `auto`: on stdin, and as a file where the guest knows --stdin-file.",
              {{"auto", Input::kAuto}, {"stdin", Input::kStdin}, {"stdin-file", Input::kStdinFile}})
      .field("args", &AppConfig::args, "Arguments after the program's name.")
      .field("env", &AppConfig::env, "Environment; the host's is never passed on. PORT is set to the port.")
      .field("preopens", &AppConfig::preopens, "Directories, `/guest: /host`, with :ro behind the host's for read-only.")
      .field("poolSize", &AppConfig::pool_size, "`pooled`: instances that stand ready.", bounds(1, 1000))
      .field("maxRequests", &AppConfig::max_requests, "`pooled`: requests one instance may serve, if it loops over lines.",
             bounds(1, 1'000'000))
      .field("threads", &AppConfig::threads, "`runtime: wasmer`: threads of one instance.", bounds(1, 190))
      .field("network", &AppConfig::network, guest_network_spec(GuestListens::kYes),
             "`runtime: wasmer`: where it may connect to.")
      .field("healthCheck", &AppConfig::health_check, "Path to GET; 2xx is healthy. Without one it is healthy once it is ready.",
             {.check = bad_path})
      .field("healthCheckInterval", &AppConfig::health_check_interval, "Between two probes.",
             time_rules("health check interval must be non-negative: {value}"))
      .field("healthCheckTimeout", &AppConfig::health_check_timeout, "How long a probe may take.", time_rules())
      .field("unhealthyThreshold", &AppConfig::unhealthy_threshold, "Failed probes in a row that make it unhealthy.",
             bounds(1, 100))
      .field("startTimeout", &AppConfig::start_timeout, "`longRunning`: in which it must be healthy.", time_rules())
      .choice("restart", &AppConfig::restart, "`longRunning`: whether a guest that has ended is started again.",
              {{"always", Restart::kAlways}, {"on-failure", Restart::kOnFailure}, {"never", Restart::kNever}})
      .choice(
          "protocol", &AppConfig::protocol,
          "`longRunning`: what the guest speaks: HTTP on its PORT, a line of JSON per request on stdin and stdout, or one JSON "
          "document per life; `auto`: what it does first decides.",
          {{"auto", Protocol::kAuto},
           {"http", Protocol::kHttp},
           {"ndjson", Protocol::kNdjson},
           {"json-once", Protocol::kJsonOnce}})
      .choice("stdio", &AppConfig::stdio,
              "`longRunning`: what the guest's stdout is: lines for the log, or answers (the same as `protocol: ndjson`).",
              {{"log", Stdio::kLog}, {"ndjson", Stdio::kNdjson}})
      .field("maxInFlight", &AppConfig::max_in_flight, "Requests under way at once; others wait for a moment.",
             bounds(1, 100'000))
      .field("idleTimeout", &AppConfig::idle_timeout,
             "`longRunning`: after which an answer that has begun, or a WebSocket, is cut when nothing passes.", time_rules())
      .check({"execution", "runtime", "healthCheck"}, check_keys_of_modes)
      .check({"preopens"}, [](const AppConfig& app, config::Report& report) { check_preopen_names(app.preopens, report); })
      .check({"env"}, [](const AppConfig& app, config::Report& report) { check_environment(app.env, report); });
}

std::string host_of(const AppConfig& app, const std::string& fallback) {
  const std::string& host = app.listen_addr.empty() ? fallback : app.listen_addr;
  return find_listen_ip(host).value_or(host);
}

config::Spec<PortRange> port_range_spec() {
  return config::Spec<PortRange>("defaultPortRange", "Ports for apps that name none.")
      .field("min", &PortRange::min, "The first.", port_bounds(1, "invalid port range min: {value}"))
      .field("max", &PortRange::max, "The last.", port_bounds(1, "invalid port range max: {value}"))
      .check([](const PortRange& range, config::Report& report) {
        if (range.min > range.max) report.error("max", "port range min cannot be greater than max");
      });
}

void check_app(const AppConfig& app, const wasm::CapacityOptions& all, config::Report& report) {
  GuestClaims claims{.module = app.module,
                     .preopens = app.preopens,
                     .pool_size = app.execution == Execution::kPooled ? app.pool_size : 0,
                     .memory = Bytes{static_cast<uint64_t>(app.memory_mb) << 20},
                     .memory_key = "memoryMB"};
  check_guest(claims, report);
  check_against_capacity(claims, all, report);
  if (app.runtime == wasm::Runtime::kFull)
    check_guest_words({.args = app.args, .env = app.env, .preopens = app.preopens, .network = app.network}, report);
}

void check_apps(const std::vector<AppConfig>& apps, config::Report& report) {
  std::set<std::string> names;
  std::set<int64_t> ports;
  auto claim = [&](int64_t port, const std::string& name) {
    if (port != 0 && !ports.insert(port).second)
      report.error("apps", "port " + std::to_string(port) + " of app \"" + name + "\" is another app's too");
  };
  for (const AppConfig& app : apps) {
    if (!app.name.empty() && !names.insert(app.name).second)
      report.error("apps", "app \"" + app.name + "\" already running: the name is there twice");
    claim(app.port, app.name);
    if (app.network.has_value())
      for (int64_t port : app.network->listen)
        if (port != app.port) claim(port, app.name);
  }
}

}  // namespace fiso::apps

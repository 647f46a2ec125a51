// An app as apps.yaml describes it, and the file as a whole.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "base/units.h"
#include "components/guest_network.h"
#include "config/spec.h"
#include "wasm/capacity.h"
#include "wasm/runtimes.h"

namespace fiso::apps {

enum class Execution { kPerRequest, kPooled, kLongRunning };
// What a guest that lives on speaks; kAuto: what it does first decides.
enum class Protocol { kAuto, kHttp, kNdjson, kJsonOnce };
// How a request gets to it: as the interceptors' `input`.
enum class Input { kAuto, kStdin, kStdinFile };
// What its stdout is: lines for the log, or, whatever `protocol` says, answers.
enum class Stdio { kLog, kNdjson };
// Whether a guest that has ended is started again.
enum class Restart { kAlways, kOnFailure, kNever };

// What passes between the public port and the guest: requests, or bytes of whatever protocol.
enum class Listen { kHttp, kTcp };

struct AppConfig {
  std::string name;
  std::string module;
  wasm::Runtime runtime = wasm::Runtime::kFull;
  Execution execution = Execution::kPerRequest;
  int64_t port = 0;  // 0: a free one of the port range
  Listen listen = Listen::kHttp;
  std::string listen_addr;  // empty: that of the program
  int64_t memory_mb = 256;
  Duration timeout = std::chrono::seconds(30);
  Input input = Input::kAuto;
  std::vector<std::string> args;
  std::map<std::string, Secret> env;
  std::map<std::string, std::string> preopens;
  int64_t pool_size = 4;
  int64_t max_requests = 1;
  int64_t threads = 16;
  std::optional<GuestNetwork> network;
  std::string health_check;
  Duration health_check_interval = std::chrono::seconds(10);
  Duration health_check_timeout = std::chrono::seconds(5);
  int64_t unhealthy_threshold = 3;
  Duration start_timeout = std::chrono::seconds(60);
  Restart restart = Restart::kAlways;
  Protocol protocol = Protocol::kAuto;
  Stdio stdio = Stdio::kLog;
  int64_t max_in_flight = 1000;
  Duration idle_timeout = std::chrono::minutes(5);

  bool operator==(const AppConfig&) const = default;
  // Of `network.listen`: ports besides `port`.
  std::vector<int64_t> more_ports() const { return network.has_value() ? network->listen : std::vector<int64_t>(); }
  Protocol speaks() const {
    if (listen == Listen::kTcp) return Protocol::kHttp;  // whatever it is, it is spoken on the guest's PORT
    return stdio == Stdio::kNdjson ? Protocol::kNdjson : protocol;
  }
};

struct PortRange {
  int64_t min = 9000;
  int64_t max = 9999;
};

config::Spec<AppConfig> app_spec();

// The address that it answers on, as it stands in front of `:PORT`.
std::string host_of(const AppConfig& app, const std::string& fallback);
config::Spec<PortRange> port_range_spec();

// What an app names and asks for beyond its own keys: files, and room among what all guests may have. Opens files.
void check_app(const AppConfig& app, const wasm::CapacityOptions& all, config::Report& report);

// Names that occur twice, and ports: what one app alone cannot know.
void check_apps(const std::vector<AppConfig>& apps, config::Report& report);

}  // namespace fiso::apps

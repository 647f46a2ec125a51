// One app as one reading of apps.yaml has it: its guests, its health, and the services that take what its ports lead to it. A
// change of its configuration makes another one, see app_set.h.
//
// Threading: control thread, but for status() and what may be called on any one thread. The shards' work outlives nothing of it:
// release() waits.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/app_config.h"
#include "apps/app_service.h"
#include "apps/app_state.h"
#include "apps/health_probe.h"
#include "apps/json_app.h"
#include "apps/long_running.h"
#include "apps/use_metrics.h"
#include "async/blocking_pool.h"
#include "async/limiter.h"
#include "async/signal.h"
#include "components/process_network.h"
#include "net/server_commons.h"

namespace fiso::apps {

// What all apps of the process share. Borrowed for their lives.
struct AppParts {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  wasm::Runtimes& runtimes;
  wasm::Capacity& capacity;
  observe::Metrics& metrics;
  observe::Log log;
  net::ServerLimits limits;
  net::ServerCommons& commons;
  const ProcessNetwork& network;
  std::string listen_addr = "127.0.0.1";
  bool alone = false;                          // it is the only one, which errors need not name
  std::string when_starting = "starting app";  // what an error of its start begins with
};

struct AppStatus {
  std::string name;
  State state = State::kStopped;
  std::string host;  // where it answers, as its configuration or the program's has it
  uint16_t port = 0;
  Duration start_timeout{};
  uint64_t probes = 0;
  uint64_t failed_probes = 0;
  uint64_t restarts = 0;
  Duration cpu{};
  Bytes memory;
  std::optional<Bytes> resident;  // of worker processes, where there are any

  // Where it answers this machine.
  std::string_view reachable_host() const {
    if (host == "0.0.0.0") return "127.0.0.1";
    return host == "[::]" ? std::string_view("[::1]") : host;
  }
};

class App {
 public:
  // `port` is open for it.
  App(AppConfig config, uint16_t port, AppParts parts);
  ~App();
  App(const App&) = delete;

  // Loads the module and begins to become healthy. Blocks while it compiles. The error is the operator's to read.
  Result<> start();
  // By shard: what takes what comes in at its port, and at the port of `network.listen`. After start(), until release().
  std::vector<net::HttpService*> services() const;
  std::vector<net::HttpService*> services_of(size_t listen) const;
  // On the shard: who answers calls from inside the process; null if it takes bytes. After start(), until stop().
  AppCallee* callee(const async::Shard& shard) const;

  // Whether the series say how this one is.
  void show(Shown shown) { state_.show(shown); }

  // Whatever is under way has until then and no longer, in stop() and release() too. Thread-safe.
  void end_by(MonotonicTime deadline);
  // When no port leads here any more: waits until the deadline for what is under way, and ends guests that live on. False if
  // something was not through by then; it goes on until it is, or until end_by(). Any one thread.
  bool stop(MonotonicTime deadline);
  // What is under way ends soon. After stop(). Any one thread.
  void cut();
  // Waits for whatever is still under way and lets go of all that lives on shards. After stop(), when nothing comes in any more.
  // False if something was cut. Any one thread.
  bool release();

  const AppConfig& config() const { return config_; }
  const std::string& name() const { return config_.name; }
  uint16_t port() const { return port_; }
  // Thread-safe.
  State state() const { return state_.get(); }
  AppStatus status() const;

 private:
  class Door;
  struct Prober;
  // On one shard.
  struct Local {
    std::unique_ptr<AppService> service;
    std::unique_ptr<Door> door;  // of requests; null where there are none
    // Of bytes: that of the app's port, if it has no requests, and those of `network.listen`.
    std::unique_ptr<net::HttpService> tcp_door;
    std::vector<std::unique_ptr<net::HttpService>> more;
  };

  Result<> make_services();
  Result<> make_long_running(std::shared_ptr<const wasm::Module> module, const GuestPlace& place);
  GuestPlace make_place() const;
  void make_doors(async::Shard& shard);
  std::unique_ptr<net::HttpService> make_tcp_door(uint16_t guest_port);
  void start_probing();
  void end_probing();
  bool look_empty(MonotonicTime deadline);
  bool wait_empty(MonotonicTime deadline);

  AppConfig config_;
  uint16_t port_;
  AppParts parts_;
  std::shared_ptr<const observe::SeriesGroup> series_;
  AppState state_;
  UseMetrics use_;
  async::Limiter in_flight_;
  HealthProbe probe_{config_, *series_};
  std::unique_ptr<JsonAppShared> shared_;      // of an app that is not longRunning
  std::unique_ptr<LongRunning> long_running_;  // of one that is
  std::vector<Local> locals_;                  // by shard
  std::shared_ptr<Prober> prober_;
  bool stopped_ = false;
  std::atomic<MonotonicTime> end_by_{kNever};
};

}  // namespace fiso::apps

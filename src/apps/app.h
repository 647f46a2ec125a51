// One app: its port, its guests, its health. The port is the app's from start to end.
//
// Threading: control thread, but for status(). The shards' work outlives nothing of it: stop() waits.
#pragma once

#include <memory>
#include <string>
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
  PortRange ports;
};

struct AppStatus {
  std::string name;
  State state = State::kStopped;
  uint16_t port = 0;
  uint64_t probes = 0;
  uint64_t failed_probes = 0;
  uint64_t restarts = 0;
  Duration cpu{};
  Bytes memory;
  std::optional<Bytes> resident;  // of worker processes, where there are any
};

class App {
 public:
  App(AppConfig config, AppParts parts);
  ~App();
  App(const App&) = delete;

  // Opens the port, loads the module, begins to serve. Blocks while it compiles. The error is the operator's to read.
  Result<> start();
  // Takes no new connection; what is under way is finished.
  void begin_stop();
  // Waits for that, until the deadline; false if something was cut.
  bool stop(MonotonicTime deadline);

  const std::string& name() const { return config_.name; }
  uint16_t port() const { return server_->port(); }
  AppStatus status() const;

 private:
  class Door;
  // Of `network.listen`.
  struct MorePort {
    uint16_t port = 0;
    std::vector<std::unique_ptr<net::HttpService>> doors;  // by shard
    std::unique_ptr<net::HttpServer> server;
  };
  struct Prober;

  Result<> open_port();
  Result<> make_services();
  Result<> make_long_running(std::shared_ptr<const wasm::Module> module, const GuestPlace& place);
  GuestPlace make_place() const;
  Result<> open_more_ports();
  std::unique_ptr<net::HttpServer> make_server(int64_t port, std::vector<std::unique_ptr<net::HttpService>>& doors);
  std::unique_ptr<net::HttpService> make_door(async::Shard& shard);
  std::unique_ptr<net::HttpService> make_tcp_door(uint16_t guest_port);
  std::vector<net::HttpServer*> servers() const;
  void start_probing();
  void end_probing();

  AppConfig config_;
  AppParts parts_;
  AppState state_;
  UseMetrics use_;
  async::Limiter in_flight_;
  HealthProbe probe_{config_};
  std::unique_ptr<JsonAppShared> shared_;                 // of an app that is not longRunning
  std::unique_ptr<LongRunning> long_running_;             // of one that is
  std::vector<std::unique_ptr<AppService>> services_;     // by shard
  std::vector<std::unique_ptr<net::HttpService>> doors_;  // by shard
  std::shared_ptr<Prober> prober_;
  std::unique_ptr<net::HttpServer> server_;
  std::vector<MorePort> more_ports_;
};

}  // namespace fiso::apps

// The process that runs apps: everything it is made of, from start to stop.
//
//   start()  the file is read whole -> admin port -> ports, modules, guests
//   run_until_stopped()  serves -> changes of the file, see apps/app_set.h … -> drain
//
// Threading: control thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/app_set.h"
#include "async/blocking_pool.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/apps_file.h"
#include "server/control_events.h"
#include "server/flow_server.h"
#include "server/reloads.h"

namespace fiso::server {

enum class Watch { kNo, kYes };

struct AppsServerOptions {
  std::function<Result<AppsFile>()> read;  // again for each reload
  std::string file;                        // that it reads
  Watch watch = Watch::kYes;
  std::string admin_address;  // empty: no admin port
  std::string listen_addr = "127.0.0.1";
  std::string wasmer_host = {};  // the worker program; empty: it is looked for
};

class AppsServer {
 public:
  AppsServer(AppsServerOptions options, observe::Log log, RuntimesFactory make_runtimes);
  ~AppsServer();

  // Starts the apps in the order of the file; `started` is told of each. The error names the app; kCancelled if a stop was asked
  // for meanwhile, which run_until_stopped() then carries out.
  Result<> start(ControlEvents& events, const std::function<void(const apps::App&)>& started);
  std::vector<apps::AppStatus> apps() { return apps_->status(); }
  // Serves until told to stop, then lets what is under way finish. False if something was cut.
  bool run_until_stopped(ControlEvents& events);
  // For tests.
  uint16_t admin_port() const { return admin_->port(); }

 private:
  Result<> start_admin(ControlEvents& events);
  void reload();
  Result<> begin_reload();
  void settle_reload();
  void end_reload(const apps::AppSet::Settled& settled);
  bool stop(ControlEvents& events);
  std::string describe_apps();
  void watch_readiness();

  AppsServerOptions options_;
  observe::Log log_;
  RuntimesFactory make_runtimes_;
  Settings settings_;
  Duration next_shutdown_timeout_{};  // of the reload under way
  StopRequest stop_;
  ProcessNetwork network_;
  observe::Metrics metrics_;
  observe::Health health_{"apps"};
  ReloadVerdicts verdicts_;
  Reloads reloads_{verdicts_, metrics_, log_};
  std::unique_ptr<ProcessParts> process_;
  std::unique_ptr<wasm::Runtimes> runtimes_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
  std::unique_ptr<apps::AppSet> apps_;
};

}  // namespace fiso::server

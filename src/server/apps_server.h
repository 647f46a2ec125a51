// The process that runs apps: everything it is made of, from start to stop.
//
// Threading: control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/app.h"
#include "async/blocking_pool.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/apps_file.h"
#include "server/control_events.h"
#include "server/flow_server.h"

namespace fiso::server {

struct AppsServerOptions {
  AppsFile file;
  std::string admin_address;  // empty: no admin port
  std::string listen_addr = "127.0.0.1";
};

class AppsServer {
 public:
  AppsServer(AppsServerOptions options, observe::Log log, RuntimesFactory make_runtimes);
  ~AppsServer();

  // Starts the apps in the order of the file; `started` is told of each. The error names the app.
  Result<> start(const std::function<void(const apps::App&)>& started);
  const std::vector<std::unique_ptr<apps::App>>& apps() const { return apps_; }
  // Serves until told to stop, then lets what is under way finish. False if something was cut.
  bool run_until_stopped(ControlEvents& events);
  // For tests.
  uint16_t admin_port() const { return admin_->port(); }

 private:
  Result<> start_admin();
  bool stop(ControlEvents& events);
  std::string describe_apps() const;
  void watch_readiness();

  AppsServerOptions options_;
  observe::Log log_;
  RuntimesFactory make_runtimes_;
  ProcessNetwork network_;
  observe::Metrics metrics_;
  observe::Health health_{"apps"};
  ReloadVerdicts verdicts_;
  std::unique_ptr<ProcessParts> process_;
  std::unique_ptr<wasm::Runtimes> runtimes_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<net::HttpServer> admin_;
  std::vector<std::unique_ptr<apps::App>> apps_;
};

}  // namespace fiso::server

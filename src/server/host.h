// What a process has whatever it does: what roles share.
//
// Owned by the process (process.h); control thread, but for what says otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apps/app_directory.h"
#include "apps/app_house.h"
#include "components/process_network.h"
#include "core/resources.h"
#include "net/local_services.h"
#include "observe/health.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "server/admin.h"
#include "server/engines.h"
#include "server/process_parts.h"

namespace fiso::server {

class Host {
 public:
  // The settings are in force until the next start, but for the time a stop may take.
  Host(const Settings& settings, observe::Metrics& metrics, observe::Log log, StopRequest stop, const ProgramEngines& engines,
       std::string wasmer_host);

  // What guests run on, made when it is first asked for, with the house for apps of interceptors: memory is reserved for them and
  // threads are started.
  Result<wasm::Runtimes*> runtimes();
  // What apps are made of. After runtimes().
  apps::AppParts app_parts();
  // Ends what is left of apps of interceptors, and waits for that. When nothing asks them any more.
  void end_apps() { house_.reset(); }
  // What components are built with; runtimes among it once they are made. Roles add what is theirs.
  core::Resources& resources() { return resources_; }

  // Brings series up to date before /metrics shows them. Any thread calls it. Before the admin port is open.
  void before_metrics(std::function<void()> refresh) { refreshes_.push_back(std::move(refresh)); }
  void refresh_metrics() const;
  // A page of the admin port, as JSON. Any thread asks for it. Before the admin port is open.
  void add_page(std::string path, std::function<std::string()> json) { pages_.emplace_back(std::move(path), std::move(json)); }
  using Pages = std::vector<std::pair<std::string, std::function<std::string()>>>;
  const Pages& pages() const { return pages_; }

  Settings settings;  // shutdown_timeout changes with reloads
  observe::Metrics& metrics;
  const observe::Log log;
  const StopRequest stop;
  observe::Health health{};
  ProcessParts parts;
  ProcessNetwork network;
  apps::AppDirectory apps;
  net::LocalServices local;  // what `app://` and `link://` lead to

 private:
  const ProgramEngines& engines_;
  const std::string wasmer_host_;
  std::vector<std::function<void()>> refreshes_;
  Pages pages_;
  std::unique_ptr<wasm::Runtimes> runtimes_;
  std::unique_ptr<apps::AppHouse> house_;
  core::Resources resources_;
};

}  // namespace fiso::server

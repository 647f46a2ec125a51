// apps.yaml: the apps, and the limits of the process that runs them.
#pragma once

#include <string>
#include <vector>

#include "apps/app_config.h"
#include "server/settings.h"

namespace fiso::server {

struct AppsFile {
  std::vector<apps::AppConfig> apps;
  apps::PortRange default_port_range;
  int64_t shards = 0;
  Duration shutdown_timeout = std::chrono::seconds(25);
  GuestNetwork network;
  WasmSettings wasm;
  net::ServerLimits http;
};

config::Spec<AppsFile> apps_file_spec();

// The error is what the program prints: "reading config: ...", or "parsing config: ..." with everything that is wrong, modules
// and directories that cannot be used included.
Result<AppsFile> load_apps_file(const std::string& file);

}  // namespace fiso::server

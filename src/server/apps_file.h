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

// `wasmer` in the file of a program that does more: apps in the same process.
struct AppsSection {
  std::vector<apps::AppConfig> apps;
  apps::PortRange default_port_range;
};

config::Spec<AppsSection> apps_section_spec();

// Whose file it is: that of a program that runs apps, or one beside the file of a program that does more, which says what the
// process has.
enum class AppsFileOf { kProgram, kPart };

// The error is what the program prints: "reading config: ...", or "parsing config: ..." with everything that is wrong, modules
// and directories that cannot be used included; of a part "read wasmer config: ..." and "parse wasmer config: ...".
Result<AppsFile> load_apps_file(const std::string& file, AppsFileOf of = AppsFileOf::kProgram);

// Of each app in the list `apps` of the node at `section` (empty: the root) that reads well by itself, whatever is wrong with
// others: what it names and asks for beyond its own keys.
void check_each_app(const config::Node& root, const std::string& section, const wasm::CapacityOptions& all,
                    config::Errors& errors);

}  // namespace fiso::server

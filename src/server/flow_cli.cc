#include "server/flow_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "components/listen_address.h"
#include "server/command_line.h"
#include "server/flow_check.h"
#include "server/flow_role.h"
#include "server/registries.h"
#include "server/run_process.h"

namespace fiso::server {
namespace {

struct Arguments {
  FlowRoleOptions options;
  std::string wasmer_host;
  std::string log_level;
  bool version = false;
  bool check = false;
};

void declare(CLI::App& app, Arguments& arguments, const wasm::FullEngineSupport& full) {
  app.add_option("--config-dir", arguments.options.config_dir,
                 "Directory of flow files, *.yaml (env FISO_CONFIG_DIR; default /etc/fiso/flows)");
  if (full.why_not.empty())
    app.add_option("--wasmer-host", arguments.wasmer_host,
                   "The worker program (env FISO_WASMER_HOST; default: fiso-wasmer-host beside this one, or in ../libexec/fiso)");
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error (env FISO_LOG_LEVEL; default info)");
  app.add_flag("--check", arguments.check, "Say what is wrong with the configuration, and exit");
  app.add_flag("--version", arguments.version, "Print the version, and exit");
  app.set_help_flag("--help,-h", "Print this, and exit");
  app.footer(
      "Env FISO_METRICS_ADDR is where /metrics, /healthz, /readyz and /reload are served (default :9090), FISO_CACHE_DIR where\n"
      "compiled modules are kept. SIGHUP, or a change in the directory, reads the flows again; SIGTERM finishes what is in\n"
      "flight and stops.\n\n"
      "Example: fiso-flow -config-dir ./flows -check && fiso-flow -config-dir ./flows");
}

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

int check(const Arguments& arguments, const core::Registry& registry, const ProgramEngines& engines) {
  const FlowRoleOptions& options = arguments.options;
  if (!is_listen_address(options.admin_address))
    return fail("listen " + options.admin_address + ": expected HOST:PORT or :PORT (FISO_METRICS_ADDR)");
  auto checked = check_flow_directory(options, registry, engines, arguments.wasmer_host);
  if (!checked.has_value()) return fail(checked.error().describe());
  std::printf("%s: ok\n", options.config_dir.c_str());
  return 0;
}

}  // namespace

int flow_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines) {
  Arguments arguments;
  arguments.options = {.config_dir = "", .admin_address = ""};
  CLI::App app("Takes events in, runs them through WebAssembly, and delivers them as CloudEvents.", name);
  declare(app, arguments, engines.full);
  if (auto exit_code = parse_command_line(app, argc, argv)) return *exit_code;
  fill_from_environment(arguments.options.config_dir, "FISO_CONFIG_DIR", "/etc/fiso/flows");
  fill_from_environment(arguments.options.admin_address, "FISO_METRICS_ADDR", ":9090");
  fill_from_environment(arguments.log_level, "FISO_LOG_LEVEL", "info");
  if (arguments.version) {
    std::printf("%s %s\n", name.c_str(), FISO_VERSION);
    return 0;
  }
  core::Registry registry;
  register_flow_components(registry);
  if (arguments.check) return check(arguments, registry, engines);
  FlowRole flows(arguments.options, registry, engines.full);
  return run_process({.admin_address = [&] { return arguments.options.admin_address; }, .wasmer_host = arguments.wasmer_host},
                     {&flows}, engines, {.component = name, .level = arguments.log_level});
}

}  // namespace fiso::server

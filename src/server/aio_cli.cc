#include "server/aio_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <utility>

#include "server/aio_parts.h"
#include "server/apps_listen.h"
#include "server/command_line.h"
#include "server/run_process.h"

namespace fiso::server {
namespace {

struct Arguments {
  std::string config;
  std::string wasmer_host;
  std::string log_level;
  bool version = false;
  bool check = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config, "The file (env FISO_AIO_CONFIG; default /etc/fiso/aio/config.yaml)");
  app.add_option("--wasmer-host", arguments.wasmer_host,
                 "The worker program (env FISO_WASMER_HOST; default: fiso-wasmer-host beside this one, or in ../libexec/fiso)");
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error (env FISO_LOG_LEVEL; default info)");
  app.add_flag("--check", arguments.check, "Say what is wrong with the file and those that it names, and exit");
  app.add_flag("--version", arguments.version, "Print the version, and exit");
  app.set_help_flag("--help,-h", "Print this, and exit");
  app.footer(
      "The file says where flows are (flow.configDir), where targets are (link.configPath; without it there is no link), and\n"
      "which apps run (wasmer.apps). Env FISO_CONFIG_DIR, FISO_LINK_CONFIG and FISO_METRICS_ADDR win over flow.configDir,\n"
      "link.configPath and flow.metricsAddr. One admin port has /metrics, /healthz, /readyz, /reload and /apps of all.\n\n"
      "SIGHUP reads all of it again, a change of a file what that file says; SIGTERM finishes what is in flight and stops.\n\n"
      "Example: fiso-wasmer-aio -config aio.yaml -check && fiso-wasmer-aio -config aio.yaml");
}

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

}  // namespace

int aio_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines) {
  Arguments arguments;
  CLI::App app("Flows, targets and apps in one process.", name);
  declare(app, arguments);
  if (auto exit_code = parse_command_line(app, argc, argv)) return *exit_code;
  fill_from_environment(arguments.config, "FISO_AIO_CONFIG", "/etc/fiso/aio/config.yaml");
  fill_from_environment(arguments.log_level, "FISO_LOG_LEVEL", "info");
  if (arguments.version) {
    std::printf("%s %s\n", name.c_str(), FISO_VERSION);
    return 0;
  }
  AioOverrides overrides;
  fill_from_environment(overrides.config_dir, "FISO_CONFIG_DIR", "");
  fill_from_environment(overrides.link_config, "FISO_LINK_CONFIG", "");
  fill_from_environment(overrides.metrics_addr, "FISO_METRICS_ADDR", "");
  auto apps_listen = apps_listen_address();
  if (!apps_listen.has_value()) return fail(apps_listen.error().message());
  overrides.apps_listen = *apps_listen;
  auto file = load_aio_file(arguments.config, overrides);
  if (!file.has_value()) return fail(file.error().message());
  std::string admin_address = file->flow.metrics_addr;
  AioParts parts(arguments.config, std::move(overrides), std::move(*file), engines);
  if (auto checked = parts.check(); !checked.has_value()) return fail(checked.error().message());
  if (arguments.check) {
    if (auto compiled = parts.compile(arguments.wasmer_host); !compiled.has_value()) return fail(compiled.error().describe());
    std::printf("%s: ok\n", arguments.config.c_str());
    return 0;
  }
  return run_process(
      {.admin_address = [&] { return admin_address; }, .wasmer_host = arguments.wasmer_host, .tells_started = true},
      parts.roles(), engines, {.component = name, .level = arguments.log_level});
}

}  // namespace fiso::server

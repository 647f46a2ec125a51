#include "server/link_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "server/command_line.h"
#include "server/link_role.h"
#include "server/run_process.h"

namespace fiso::server {
namespace {

struct Arguments {
  std::string config = "/etc/fiso/link/config.yaml";
  int64_t port = 0;
  int64_t metrics_port = 0;
  std::string log_level;
  bool version = false;
  bool check = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config, "File of targets (env FISO_LINK_CONFIG; default /etc/fiso/link/config.yaml)");
  app.add_option("--port", arguments.port, "Listen on this port of all addresses instead of listenAddr")
      ->check(CLI::Range(1, 65535));
  app.add_option("--metrics-port", arguments.metrics_port, "Serve /metrics on this port of all addresses instead of metricsAddr")
      ->check(CLI::Range(1, 65535));
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error (env FISO_LOG_LEVEL; default info)");
  app.add_flag("--check", arguments.check, "Say what is wrong with the configuration, and exit");
  app.add_flag("--version", arguments.version, "Print the version, and exit");
  app.set_help_flag("--help,-h", "Print this, and exit");
  app.footer(
      "Callers ask http://localhost:3500/link/TARGET/PATH; the request goes to the target with its credentials. SIGTERM "
      "finishes\n"
      "what is in flight and stops.\n\n"
      "Example: fiso-link -config link.yaml -check && fiso-link -config link.yaml");
}

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

// The file, as the command line overrules it.
Result<LinkFile> read_file(const Arguments& arguments, const wasm::FullEngineSupport& full) {
  LinkOverrides overrides;
  if (arguments.port != 0) overrides.listen_addr = ":" + std::to_string(arguments.port);
  if (arguments.metrics_port != 0) overrides.metrics_addr = ":" + std::to_string(arguments.metrics_port);
  return load_link_file(arguments.config, overrides, full);
}

int serve(const Arguments& arguments, const std::string& name, const ProgramEngines& engines) {
  LinkRole link({.read = [&] { return read_file(arguments, engines.full); }, .file = arguments.config});
  return run_process({.admin_address = [&] { return link.admin_address(); }, .is_link = true}, {&link}, engines,
                     {.component = name, .level = arguments.log_level});
}

}  // namespace

int link_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines) {
  Arguments arguments;
  if (const char* file = std::getenv("FISO_LINK_CONFIG"); file != nullptr && *file != '\0') arguments.config = file;
  if (const char* level = std::getenv("FISO_LOG_LEVEL"); level != nullptr) arguments.log_level = level;
  CLI::App app("Carries calls of applications to the services they use.", name);
  declare(app, arguments);
  if (auto exit_code = parse_command_line(app, argc, argv)) return *exit_code;
  if (arguments.version) {
    std::printf("%s %s\n", name.c_str(), FISO_VERSION);
    return 0;
  }
  if (!arguments.check) return serve(arguments, name, engines);
  auto file = read_file(arguments, engines.full);
  if (!file.has_value()) return fail(file.error().message());
  std::printf("%s: ok\n", arguments.config.c_str());
  return 0;
}

}  // namespace fiso::server

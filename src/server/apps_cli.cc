#include "server/apps_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "server/app_role.h"
#include "server/apps_listen.h"
#include "server/apps_start_report.h"
#include "server/command_line.h"
#include "server/compile_check.h"
#include "server/run_process.h"
#include "wasm/module_file.h"

namespace fiso::server {
namespace {

struct Arguments {
  std::string config;
  std::string module;
  int64_t port = 0;
  std::string admin_address;
  std::string wasmer_host;
  std::string log_level;
  bool version = false;
  bool check = false;
};

void declare(CLI::App& app, Arguments& arguments) {
  app.add_option("--config", arguments.config, "File of apps, such as apps.yaml");
  app.add_option("--module", arguments.module, "One module to run as the app \"main\"; -config is then not read");
  app.add_option("--port", arguments.port, "With -module: its port (default 0, a free one)")->check(CLI::Range(0, 65535));
  app.add_option("--admin-addr", arguments.admin_address,
                 "Where /apps, /metrics, /healthz and /readyz are served (default: nowhere)");
  app.add_option("--wasmer-host", arguments.wasmer_host,
                 "The worker program (env FISO_WASMER_HOST; default: fiso-wasmer-host beside this one, or in ../libexec/fiso)");
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error (env FISO_LOG_LEVEL; default info)");
  app.add_flag("--check", arguments.check, "Say what is wrong with the configuration, and exit");
  app.add_flag("--version", arguments.version, "Print the version, and exit");
  app.set_help_flag("--help,-h", "Print this, and exit");
  app.footer(
      "Apps answer on 127.0.0.1 (env FISO_APPS_LISTEN). FISO_CACHE_DIR is where compiled modules are kept. The log goes to\n"
      "standard error. SIGHUP, or a change of the file, reads it again; SIGTERM finishes what is in flight and stops.\n\n"
      "Example: fiso-wasmer -config apps.yaml");
}

int fail(const std::string& message) {
  std::fprintf(stderr, "Error %s\n", message.c_str());
  return 1;
}

Result<AppsFile> apps_of(const Arguments& arguments) {
  if (arguments.module.empty()) return load_apps_file(arguments.config);
  if (arguments.check) FISO_TRY_OK(wasm::check_module_file(arguments.module));
  AppsFile file;
  file.apps.push_back({.name = "main", .module = arguments.module, .port = arguments.port});
  return file;
}

AppRoleOptions role_options(const Arguments& arguments, const std::string& listen) {
  bool one_module = !arguments.module.empty();
  AppRoleOptions options{.read = [arguments] { return apps_of(arguments); },
                         .file = one_module ? arguments.module : arguments.config,
                         .watch = one_module ? Watch::kNo : Watch::kYes,
                         .listen_addr = listen,
                         .alone = one_module};
  if (!one_module) options.started = [](const apps::App& app) { std::printf("Started app %s\n", app.name().c_str()); };
  options.report_start = [report = std::make_shared<AppsStartReport>(stdout), began = Clock::system().now()](const auto& all) {
    return report->look(all, began, Clock::system().now());
  };
  return options;
}

int serve(const Arguments& arguments, const std::string& listen, const std::string& name, const ProgramEngines& engines) {
  AppRole role(role_options(arguments, listen));
  return run_process({.admin_address = [&] { return arguments.admin_address; }, .wasmer_host = arguments.wasmer_host}, {&role},
                     engines, {.component = name, .level = arguments.log_level, .descriptor = 2},
                     {.error_prefix = "Error ", .stopped = [] { std::printf("\nShutting down...\nStopped\n"); }});
}

// The file is read whole, and modules are compiled.
Result<> check(const Arguments& arguments, const ProgramEngines& engines) {
  FISO_TRY(AppsFile file, apps_of(arguments));
  std::vector<core::Compile> all;
  add_compiles(file.apps, !arguments.module.empty(), all);
  return compile_for_check(all, settings_of(file), engines, arguments.wasmer_host);
}

}  // namespace

int apps_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines) {
  Arguments arguments;
  CLI::App app("Runs programs compiled to WebAssembly behind ports of their own.", name);
  declare(app, arguments);
  if (auto exit_code = parse_command_line(app, argc, argv)) return *exit_code;
  fill_from_environment(arguments.log_level, "FISO_LOG_LEVEL", "info");
  if (arguments.version) {
    std::printf("%s %s\n", name.c_str(), FISO_VERSION);
    return 0;
  }
  if (arguments.config.empty() && arguments.module.empty()) {
    std::fprintf(stderr, "Error: either -config or -module is required\n%s", app.help().c_str());
    return 1;
  }
  auto listen = apps_listen_address();
  if (!listen.has_value()) return fail(listen.error().message());
  if (!arguments.check) return serve(arguments, *listen, name, engines);
  if (auto checked = check(arguments, engines); !checked.has_value()) return fail(checked.error().describe());
  std::printf("%s: ok\n", arguments.module.empty() ? arguments.config.c_str() : arguments.module.c_str());
  return 0;
}

}  // namespace fiso::server

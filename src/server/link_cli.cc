#include "server/link_cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "server/apps_listen.h"
#include "server/command_line.h"
#include "server/compile_check.h"
#include "server/link_role.h"
#include "server/run_process.h"

namespace fiso::server {
namespace {

struct Arguments {
  std::string config;
  int64_t port = 0;
  int64_t metrics_port = 0;
  std::string wasmer_host;
  std::string log_level;
  bool version = false;
  bool check = false;
};

void declare(CLI::App& app, Arguments& arguments, const LinkProgram& program) {
  app.add_option("--config", arguments.config, "File of targets (env FISO_LINK_CONFIG; default /etc/fiso/link/config.yaml)");
  app.add_option("--port", arguments.port, "Listen on this port of all addresses instead of listenAddr")
      ->check(CLI::Range(1, 65535));
  app.add_option("--metrics-port", arguments.metrics_port, "Serve /metrics on this port of all addresses instead of metricsAddr")
      ->check(CLI::Range(1, 65535));
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error (env FISO_LOG_LEVEL; default info)");
  app.add_flag("--check", arguments.check, "Say what is wrong with the configuration, and exit");
  app.add_flag("--version", arguments.version, "Print the version, and exit");
  app.set_help_flag("--help,-h", "Print this, and exit");
  if (program.runs_apps)
    app.add_option("--wasmer-host", arguments.wasmer_host,
                   "The worker program (env FISO_WASMER_HOST; default: fiso-wasmer-host beside this one, or in ../libexec/fiso)");
  std::string apps = program.runs_apps ? "Apps are those of `wasmer.apps` in the file, or of the file that env "
                                         "FISO_WASMER_CONFIG names; targets with `protocol:\n"
                                         "app` lead to them, interceptors with `type: wasmer-app` ask them.\n"
                                       : "";
  app.footer(
      "Callers ask http://localhost:3500/link/TARGET/PATH; the request goes to the target with its credentials. SIGTERM "
      "finishes\n"
      "what is in flight and stops.\n" +
      apps + "\nExample: " + app.get_name() + " -config link.yaml -check && " + app.get_name() + " -config link.yaml");
}

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

std::string env_or_nothing(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// What it reads, as the command line and the environment have it.
class Files {
 public:
  Files(const Arguments& arguments, const LinkProgram& program)
      : arguments_(arguments), program_(program), apps_file_(program.runs_apps ? env_or_nothing("FISO_WASMER_CONFIG") : "") {}

  Result<LinkFile> link() const {
    LinkOverrides overrides;
    if (arguments_.port != 0) overrides.listen_addr = ":" + std::to_string(arguments_.port);
    if (arguments_.metrics_port != 0) overrides.metrics_addr = ":" + std::to_string(arguments_.metrics_port);
    LinkAbilities abilities{.full = program_.engines.full, .runs_apps = program_.runs_apps};
    if (!apps_file_.empty()) {
      FISO_TRY(AppsFile file, separate_apps());
      abilities.apps = std::move(file.apps);
    }
    return load_link_file(arguments_.config, overrides, abilities);
  }

  Result<AppsFile> apps() const {
    if (!apps_file_.empty()) return separate_apps();
    FISO_TRY(LinkFile file, link());
    AppsSection section = file.wasmer.value_or(AppsSection());
    return AppsFile{.apps = std::move(section.apps), .default_port_range = section.default_port_range};
  }
  const std::string& with_apps() const { return apps_file_.empty() ? arguments_.config : apps_file_; }

 private:
  Result<AppsFile> separate_apps() const { return load_apps_file(apps_file_, AppsFileOf::kPart); }

  const Arguments& arguments_;
  const LinkProgram& program_;
  const std::string apps_file_;  // empty: they are in the link file
};

AppRoleOptions app_role_options(const Files& files, const std::string& apps_listen) {
  return {.read = [&files] { return files.apps(); },
          .file = files.with_apps(),
          .listen_addr = apps_listen,
          .speaks_of_process = false,
          .logs_starts = true,
          .when_starting = "start wasmer app"};
}

int serve(const Arguments& arguments, const std::string& apps_listen, const std::string& name, const LinkProgram& program) {
  Files files(arguments, program);
  std::optional<AppRole> apps;
  if (program.runs_apps) apps.emplace(app_role_options(files, apps_listen));
  LinkRole link({.read = [&] { return files.link(); }, .file = arguments.config, .apps = apps.has_value() ? &*apps : nullptr});
  std::vector<Role*> roles{&link};
  if (apps.has_value()) roles.insert(roles.begin(), &*apps);
  return run_process({.admin_address = [&] { return link.admin_address(); },
                      .wasmer_host = arguments.wasmer_host,
                      .is_link = true,
                      .name = name,
                      .says_starting = program.runs_apps ? observe::LogLevel::kInfo : observe::LogLevel::kDebug},
                     roles, program.engines, {.component = name, .level = arguments.log_level});
}

// The files are read whole, and modules are compiled.
Result<> check(const Arguments& arguments, const LinkProgram& program) {
  Files files(arguments, program);
  FISO_TRY(LinkFile file, files.link());
  AppsFile apps;
  if (program.runs_apps) {
    FISO_TRY(apps, files.apps());
  }
  std::vector<core::Compile> all;
  for (size_t i = 0; i < file.targets.size(); ++i) add_compiles(file.targets[i].name, file.interceptors[i], all);
  add_compiles(apps.apps, false, all);
  return compile_for_check(all, settings_of(file), program.engines, arguments.wasmer_host);
}

}  // namespace

int link_main(int argc, char** argv, const std::string& name, const LinkProgram& program) {
  Arguments arguments;
  CLI::App app("Carries calls of applications to the services they use.", name);
  declare(app, arguments, program);
  if (auto exit_code = parse_command_line(app, argc, argv)) return *exit_code;
  fill_from_environment(arguments.config, "FISO_LINK_CONFIG", "/etc/fiso/link/config.yaml");
  fill_from_environment(arguments.log_level, "FISO_LOG_LEVEL", "info");
  if (arguments.version) {
    std::printf("%s %s\n", name.c_str(), FISO_VERSION);
    return 0;
  }
  std::string apps_listen;
  if (program.runs_apps) {
    auto address = apps_listen_address();
    if (!address.has_value()) return fail(address.error().message());
    apps_listen = std::move(*address);
  }
  if (!arguments.check) return serve(arguments, apps_listen, name, program);
  if (auto checked = check(arguments, program); !checked.has_value()) return fail(checked.error().describe());
  std::printf("%s: ok\n", arguments.config.c_str());
  return 0;
}

}  // namespace fiso::server

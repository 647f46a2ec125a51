// The `fiso` command: checks configurations, asks servers how they are, fills the module cache, runs one module by hand.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "observe/log.h"
#include "program/engines.h"
#include "program/health_command.h"
#include "program/module_commands.h"
#include "program/program.h"
#include "program/start.h"
#include "server/command_line.h"
#include "server/flow_check.h"
#include "server/registries.h"

namespace fiso::program {
namespace {

// By what fiso-flow-wasmer accepts, which is all that fiso-flow does and `runtime: wasmer`; whoever runs fiso-flow is told.
int validate(const std::string& directory) {
  core::Registry registry;
  server::register_flow_components(registry);
  server::FlowRoleOptions options{.config_dir = directory, .admin_address = ""};  // whoever runs them says which one
  auto checked = server::check_flow_directory(options, registry, all_engines());
  if (!checked.has_value()) {
    std::fprintf(stderr, "error: %s\n", checked.error().describe().c_str());
    return 1;
  }
  std::printf("%s: ok\n", directory.c_str());
  config::Errors errors;
  auto by_flow = server::read_flows(options, registry, light_engine("fiso-flow-wasmer").full, errors);
  if (!by_flow.has_value())
    std::printf("note: fiso-flow-wasmer runs these flows, fiso-flow does not: %s\n", by_flow.error().describe().c_str());
  return 0;
}

struct Commands {
  std::string directory;
  std::string admin_address;
  bool ready = false;
  std::vector<std::string> modules;
  RunTexts run;
  wasm::Runtime runtime = wasm::Runtime::kLight;
};

void declare_health(CLI::App& app, Commands& commands, int& exit_code) {
  CLI::App* health = app.add_subcommand("health", "Ask the admin port of a server whether it is alive; the exit code says so");
  health->add_option("address", commands.admin_address, "HOST:PORT or :PORT (env FISO_METRICS_ADDR; default :9090)");
  health->add_flag("--ready", commands.ready, "Ask whether all that it does is ready");
  health->callback([&] {
    server::fill_from_environment(commands.admin_address, "FISO_METRICS_ADDR", ":9090");
    exit_code = ask_health(commands.admin_address, commands.ready ? Asked::kReady : Asked::kAlive);
  });
}

// CLI11 reports what a callback throws as wrong usage, with the option's name.
template <class T>
T parsed(Result<T> value) {
  if (!value.has_value()) throw CLI::ValidationError(value.error().message());
  return *value;
}

void declare_module(CLI::App& app, Commands& commands, int& exit_code) {
  CLI::App* module = app.add_subcommand("module", "Compile or run WebAssembly modules");
  module->require_subcommand(1);
  CLI::App* compile = module->add_subcommand("compile", "Compile modules into the cache, ahead of their first use");
  compile->add_option("files", commands.modules, "Modules, *.wasm")->required();
  compile->add_option("--max-stack", commands.run.max_stack, "wasm.maxStack of the servers that will use them (default 512KiB)");
  compile->add_option("--runtime", commands.runtime, "The engine that will run them: wazero (default), or wasmer")
      ->transform(CLI::Transformer(
          std::map<std::string, wasm::Runtime>{{"wazero", wasm::Runtime::kLight}, {"wasmer", wasm::Runtime::kFull}}));
  compile->callback(
      [&] { exit_code = compile_modules(commands.modules, commands.runtime, parsed(parse_max_stack(commands.run.max_stack))); });

  CLI::App* run = module->add_subcommand("run", "Run one module: its stdin, stdout, stderr and exit code are ours");
  run->add_option("file", commands.run.file, "The module")->required();
  run->add_option("--dir", commands.run.directories,
                  "Directory to give, HOST::GUEST, with :ro behind it for read-only; may repeat")
      ->allow_extra_args(false);
  run->add_option("--env", commands.run.env, "Variable to give, NAME=VALUE; may repeat")->allow_extra_args(false);
  run->add_option("--timeout", commands.run.timeout, "When it is stopped; waiting for stdin counts (default 30s)");
  run->add_option("--memory-limit", commands.run.memory_limit, "Its memory (default 256MiB)");
  run->add_option("--max-stack", commands.run.max_stack, "Its stack (default 512KiB)");
  run->add_flag("--pooled", commands.run.pooled,
                "Start it ahead, park it at its first read, and give it all of stdin, as `execution: pooled` does");
  run->add_option("args", commands.run.arguments, "The module's own arguments, after --");
  run->footer("Example: echo '{\"payload\":1}' | fiso module run guest.wasm --dir ./data::/data:ro --timeout 5s -- --verbose");
  run->callback([&] { exit_code = run_module(parsed(parse_module_run(commands.run))); });
}

// The word where a command should be.
std::optional<std::string> unknown_command(int argc, char** argv, const CLI::App& app) {
  if (argc < 2 || argv[1][0] == '-' || std::string_view(argv[1]) == "help") return std::nullopt;
  auto same = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
  return app.get_subcommands(same).empty() ? std::optional<std::string>(argv[1]) : std::nullopt;
}

int fiso_command(int argc, char** argv) {
  Commands commands;
  int exit_code = 0;
  CLI::App app("The command beside Fiso's servers.", "fiso");
  app.set_version_flag("--version", std::string("fiso ") + FISO_VERSION);
  app.require_subcommand(1);
  CLI::App* check = app.add_subcommand("validate", "Say all that is wrong with a directory of flow files");
  check->add_option("dir", commands.directory, "The directory (env FISO_CONFIG_DIR; default /etc/fiso/flows)");
  check->callback([&] {
    server::fill_from_environment(commands.directory, "FISO_CONFIG_DIR", "/etc/fiso/flows");
    exit_code = validate(commands.directory);
  });
  declare_health(app, commands, exit_code);
  declare_module(app, commands, exit_code);
  if (auto unknown = unknown_command(argc, argv, app)) {
    std::fprintf(stderr, "error: unknown command \"%s\"\nRun 'fiso help' for usage\n", unknown->c_str());
    return 1;
  }
  if (argc == 1 || (argc == 2 && std::string_view(argv[1]) == "help")) {
    std::printf("%s", app.help().c_str());
    return 0;
  }
  if (auto ended = server::parse_command_line(app, argc, argv)) return *ended;
  return exit_code;
}

}  // namespace

int fiso_program(int argc, char** argv) {
  return start(argc, argv, [&] { return fiso_command(argc, argv); });
}

}  // namespace fiso::program

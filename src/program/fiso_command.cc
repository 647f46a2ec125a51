// The `fiso` command: checks configurations, asks servers how they are, begins, tests, compiles and runs modules by hand.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "observe/log.h"
#include "program/doctor.h"
#include "program/engines.h"
#include "program/guest_commands.h"
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
  DoctorOptions doctor;
  std::vector<std::string> modules;
  NewGuest new_guest;
  std::string kind;
  GuestTest test{.path = ".", .cases = {}, .kind = {}, .python = {}, .run = {}};
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

void declare_doctor(CLI::App& app, DoctorOptions& options, int& exit_code) {
  CLI::App* command = app.add_subcommand("doctor", "Say what this machine lacks, and what would cure it");
  command->add_option("--config-dir", options.config_dir,
                      "A directory of flow files that is to be served here (env FISO_CONFIG_DIR)");
  command
      ->add_option("--config", options.configs,
                   "A file of targets, of apps, or of fiso-wasmer-aio that is to be served here; may repeat")
      ->allow_extra_args(false);
  command->add_option(
      "--wasmer-host", options.wasmer_host,
      "The worker program (env FISO_WASMER_HOST; default: fiso-wasmer-host beside this one, or in ../libexec/fiso)");
  command->footer(
      "Looks at the kernel, memory, descriptors, the module cache, the engines, what guests are built with, the configuration "
      "and\n"
      "its ports; without a configuration at the default ports. Exit code 1 if anything fails; warnings are for what not "
      "everybody\n"
      "needs. As the user that runs the servers, and while they do not run: their ports are taken then.\n\n"
      "Example: fiso doctor --config-dir flows --config link.yaml");
  command->callback([&] {
    server::fill_from_environment(options.config_dir, "FISO_CONFIG_DIR", "");
    exit_code = ask_doctor(options);
  });
}

// CLI11 reports what a callback throws as wrong usage, with the option's name.
template <class T>
T parsed(Result<T> value) {
  if (!value.has_value()) throw CLI::ValidationError(value.error().message());
  return *value;
}

void declare_compile(CLI::App& module, Commands& commands, int& exit_code) {
  CLI::App* compile = module.add_subcommand("compile", "Compile modules into the cache, ahead of their first use");
  compile->add_option("files", commands.modules, "Modules, *.wasm")->required();
  compile->add_option("--max-stack", commands.run.max_stack, "wasm.maxStack of the servers that will use them (default 512KiB)");
  compile->add_option("--runtime", commands.runtime, "The engine that will run them: wazero (default), or wasmer")
      ->transform(CLI::Transformer(
          std::map<std::string, wasm::Runtime>{{"wazero", wasm::Runtime::kLight}, {"wasmer", wasm::Runtime::kFull}}));
  compile->callback(
      [&] { exit_code = compile_modules(commands.modules, commands.runtime, parsed(parse_max_stack(commands.run.max_stack))); });
}

// What a guest is given and how long it may take, whoever runs it.
void declare_run_options(CLI::App& command, RunTexts& run) {
  command.add_option("--dir", run.directories, "Directory to give, HOST::GUEST, with :ro behind it for read-only; may repeat")
      ->allow_extra_args(false);
  command.add_option("--env", run.env, "Variable to give, NAME=VALUE; may repeat")->allow_extra_args(false);
  command.add_option("--timeout", run.timeout, "When it is stopped; waiting for stdin counts (default 30s)");
  command.add_option("--memory-limit", run.memory_limit, "Its memory (default 256MiB)");
  command.add_option("--max-stack", run.max_stack, "Its stack (default 512KiB)");
  command.add_flag("--pooled", run.pooled,
                   "Start it ahead, park it at its first read, and give it all of stdin, as `execution: pooled` does");
}

void declare_run(CLI::App& module, Commands& commands, int& exit_code) {
  CLI::App* run = module.add_subcommand("run", "Run one module: its stdin, stdout, stderr and exit code are ours");
  run->add_option("file", commands.run.file, "The module")->required();
  declare_run_options(*run, commands.run);
  run->add_option("args", commands.run.arguments, "The module's own arguments, after --");
  run->footer("Example: echo '{\"payload\":1}' | fiso module run guest.wasm --dir ./data::/data:ro --timeout 5s -- --verbose");
  run->callback([&] { exit_code = run_module(parsed(parse_module_run(commands.run))); });
}

CLI::IsMember kinds() { return CLI::IsMember({"interceptor", "app"}); }

GuestKind kind_of(const std::string& word) { return word == "app" ? GuestKind::kApp : GuestKind::kInterceptor; }

void declare_new(CLI::App& module, Commands& commands, int& exit_code) {
  NewGuest& guest = commands.new_guest;
  CLI::App* command = module.add_subcommand("new", "Write a guest to begin with: source, Makefile, README.md and cases");
  command->add_option("name", guest.name, "Its name, which is that of the folder too: lower-case letters, digits, - and _")
      ->required();
  command->add_option("--lang", guest.language, "The language: c, go, python or rust")
      ->required()
      ->check(CLI::IsMember(guest_languages()));
  command->add_option("--kind", commands.kind, "interceptor (default), for flows and targets, or app")->check(kinds());
  command->footer("Example: fiso module new add-total --lang go && make -C add-total && fiso module test add-total");
  command->callback([&] {
    guest.kind = kind_of(commands.kind);
    exit_code = write_new_guest(guest);
  });
}

void declare_test(CLI::App& module, Commands& commands, int& exit_code) {
  GuestTest& test = commands.test;
  CLI::App* command = module.add_subcommand("test", "Give a guest each of its cases, and compare what it answers");
  command->add_option("guest", test.path, "A module, a script in Python, or a folder that has one (default: this one)");
  command->add_option("--cases", test.cases, "The folder of cases (default: cases, beside the guest)");
  command->add_option("--kind", commands.kind, "What every case must be for: interceptor, or app (default: each says itself)")
      ->check(kinds());
  command->add_option("--python", test.python,
                      "CPython for WASI, which runs scripts (env FISO_PYTHON; default: python.wasm beside the script)");
  declare_run_options(*command, commands.run);
  command->add_option("args", commands.run.arguments, "The guest's own arguments, after --");
  command->footer(
      "A case is two files of JSON: NAME.input.json is what the guest reads, an event with \"payload\" or a request with\n"
      "\"method\" and \"path\"; NAME.expected.json is what it must answer, whatever the order of members and white space.\n"
      "Each runs in a fresh instance. Exit code 0: all passed; 1: some did not; 2: nothing was tested.\n\n"
      "Example: fiso module test add-total --timeout 5s");
  command->callback([&] {
    if (!commands.kind.empty()) test.kind = kind_of(commands.kind);
    test.run = parsed(parse_module_run(commands.run));
    exit_code = test_guest(test);
  });
}

void declare_module(CLI::App& app, Commands& commands, int& exit_code) {
  CLI::App* module = app.add_subcommand("module", "Begin, test, compile or run WebAssembly modules");
  module->require_subcommand(1);
  declare_new(*module, commands, exit_code);
  declare_test(*module, commands, exit_code);
  declare_compile(*module, commands, exit_code);
  declare_run(*module, commands, exit_code);
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
  declare_doctor(app, commands.doctor, exit_code);
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

#include "program/program.h"

#include "program/engines.h"
#include "program/fiso_command.h"
#include "server/apps_cli.h"
#include "server/cli.h"
#include "server/link_cli.h"
#include "wasm/light/light_engine.h"

namespace fiso::program {

int flow_program(int argc, char** argv, const std::string& name) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return server::flow_main(argc, argv, name, light_engine(name + "-wasmer"));
}

int flow_wasmer_program(int argc, char** argv, const std::string& name) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return server::flow_main(argc, argv, name, all_engines());
}

int link_program(int argc, char** argv, const std::string& name) { return server::link_main(argc, argv, name); }

int wasmer_program(int argc, char** argv, const std::string& name) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return server::apps_main(argc, argv, name, all_engines().make);
}

int fiso_program(int argc, char** argv) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return fiso_command(argc, argv);
}

}  // namespace fiso::program

#include "program/program.h"

#include "program/fiso_command.h"
#include "program/light_engine_factory.h"
#include "server/cli.h"
#include "wasm/light/light_engine.h"

namespace fiso::program {

int flow_program(int argc, char** argv, const std::string& name) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return server::flow_main(argc, argv, name, make_light_engine);
}

int fiso_program(int argc, char** argv) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return fiso_command(argc, argv);
}

}  // namespace fiso::program

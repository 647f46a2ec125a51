#include "program/engines.h"
#include "program/program.h"
#include "program/start.h"
#include "server/aio_cli.h"

namespace fiso::program {

int wasmer_aio_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::aio_main(argc, argv, name, all_engines()); });
}

}  // namespace fiso::program

#include "program/engines.h"
#include "program/program.h"
#include "program/start.h"
#include "server/apps_cli.h"

namespace fiso::program {

int wasmer_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::apps_main(argc, argv, name, all_engines()); });
}

}  // namespace fiso::program

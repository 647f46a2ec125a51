#include "program/engines.h"
#include "program/program.h"
#include "program/start.h"
#include "server/flow_cli.h"

namespace fiso::program {

int flow_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::flow_main(argc, argv, name, light_engine(name + "-wasmer")); });
}

int flow_wasmer_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::flow_main(argc, argv, name, all_engines()); });
}

}  // namespace fiso::program

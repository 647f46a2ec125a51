#include "program/engines.h"
#include "program/program.h"
#include "program/start.h"
#include "server/link_cli.h"

namespace fiso::program {

int link_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::link_main(argc, argv, name, {.engines = light_engine("fiso-wasmer-link")}); });
}

int wasmer_link_program(int argc, char** argv, const std::string& name) {
  return start(argc, argv, [&] { return server::link_main(argc, argv, name, {.engines = all_engines(), .runs_apps = true}); });
}

}  // namespace fiso::program

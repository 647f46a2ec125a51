// The command line of fiso-link and fiso-wasmer-link.
#pragma once

#include <string>

#include "server/engines.h"

namespace fiso::server {

// What tells fiso-link and fiso-wasmer-link apart.
struct LinkProgram {
  ProgramEngines engines;
  bool runs_apps = false;
};

// The whole program `name`: parses, runs, and gives the exit code, as those of flow_main().
int link_main(int argc, char** argv, const std::string& name, const LinkProgram& program);

}  // namespace fiso::server

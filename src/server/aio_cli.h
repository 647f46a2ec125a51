// The command line of fiso-wasmer-aio.
#pragma once

#include <string>

#include "server/engines.h"

namespace fiso::server {

// The whole program `name`: parses, runs, and gives the exit code, as those of flow_main().
int aio_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines);

}  // namespace fiso::server

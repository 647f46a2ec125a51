// The command line of fiso-wasmer: texts and exit codes are the contract's.
#pragma once

#include <string>

#include "server/engines.h"

namespace fiso::server {

// 0: stopped in order; 1: an error, on stderr as `Error ...`; 2: wrong usage.
int apps_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines);

}  // namespace fiso::server

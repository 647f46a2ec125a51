// The command line of fiso-flow and its kin.
#pragma once

#include <string>

#include "server/engines.h"

namespace fiso::server {

// The whole program `name` (fiso-flow): parses, runs, and gives the exit code. 0: stopped in order, or nothing wrong (-check);
// 1: an error, on stderr as `error: ...`, or a stop that cut something; 2: wrong usage.
int flow_main(int argc, char** argv, const std::string& name, const ProgramEngines& engines);

}  // namespace fiso::server

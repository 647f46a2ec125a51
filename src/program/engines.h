// The engines that a program has.
#pragma once

#include <memory>
#include <string>

#include "server/engines.h"

namespace fiso::program {

// The light engine alone; `runtime: wasmer` is refused with the name of the program that has it.
server::ProgramEngines light_engine(const std::string& program_with_wasmer);

// Both. Nothing is looked for before a module asks for `runtime: wasmer`.
server::ProgramEngines all_engines();

}  // namespace fiso::program

// What the mains in bin/ call: servers with the engines that this build has.
#pragma once

#include <string>

namespace fiso::program {

int flow_program(int argc, char** argv, const std::string& name);

}  // namespace fiso::program

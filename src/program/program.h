// What the mains in bin/ call: programs with the engines that this build has. Those that serve the same share a file, so that a
// program is linked with what it uses and nothing else.
#pragma once

#include <string>

namespace fiso::program {

// fiso-flow. The exit code is that of server::flow_main.
int flow_program(int argc, char** argv, const std::string& name);

// The same with Wasmer, which fiso-flow neither has nor looks for.
int flow_wasmer_program(int argc, char** argv, const std::string& name);

// fiso-link. The exit code is that of server::link_main.
int link_program(int argc, char** argv, const std::string& name);

// fiso-wasmer-link: the same with apps, and with Wasmer.
int wasmer_link_program(int argc, char** argv, const std::string& name);

// fiso-wasmer-aio: flows, targets and apps. The exit code is that of server::aio_main.
int wasmer_aio_program(int argc, char** argv, const std::string& name);

// fiso-wasmer: apps. The exit code is that of server::apps_main.
int wasmer_program(int argc, char** argv, const std::string& name);

// `fiso`, the command beside the servers: validate, health, doctor, module new, test, compile and run. 0: done; 1: an error, on
// stderr; 2: wrong usage. `module run` ends as its guest does: with its exit code, 134 for a trap, 124 for a timeout, 137 for a
// limit.
int fiso_program(int argc, char** argv);

}  // namespace fiso::program

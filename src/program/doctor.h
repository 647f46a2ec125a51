// `fiso doctor`: whether this machine has what Fiso needs, and whether a configuration can be served here.
//
// Nothing is changed but the module cache, which is made if it is missing and gets one small module. Ports are opened and closed
// again. Each part looks at one side; none asks the network. Control thread; blocks.
#pragma once

#include <string>
#include <vector>

#include "program/findings.h"

namespace fiso::program {

struct DoctorOptions {
  std::string config_dir;            // of flows; empty: none
  std::vector<std::string> configs;  // files of targets, of apps, or of fiso-wasmer-aio
  std::string wasmer_host;           // the worker program; empty: it is looked for
};

// The kernel and its protections, memory, descriptors.
void examine_machine(Findings& findings);
// The module cache, and whether the engines run a guest.
void examine_engines(const std::string& wasmer_host, Findings& findings);
// What guests are built with. All that can be missing is a warning: servers need none of it.
void examine_toolchains(Findings& findings);
// All that is wrong with the configuration, and whether its ports are free; without any the default ports.
void examine_configuration(const DoctorOptions& options, Findings& findings);

// All of it, on stdout. 1 if anything is a kFail, else 0.
int ask_doctor(const DoctorOptions& options);

}  // namespace fiso::program

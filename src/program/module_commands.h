// `fiso module compile` and `fiso module run`.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "wasm/run.h"

namespace fiso::program {

// 0 if every one of them is in the cache now; else 1, with the reasons on stderr.
// `max_stack` is the `wasm.maxStack` of the servers that will use them: it shapes the code.
int compile_modules(const std::vector<std::string>& files, Bytes max_stack);

struct ModuleRun {
  std::string file;
  std::vector<std::string> directories;  // HOST::GUEST, HOST::GUEST:ro, or HOST for the same path on both sides
  std::vector<std::string> env;          // NAME=VALUE
  std::vector<std::string> arguments;
  wasm::Limits limits;
  bool pooled = false;
};

// The guest reads our stdin, which is read whole first, and ends with its output on our stdout.
int run_module(const ModuleRun& run);

}  // namespace fiso::program

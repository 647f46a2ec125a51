// `fiso module compile` and `fiso module run`.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "program/run_options.h"
#include "wasm/runtimes.h"

namespace fiso::program {

// 0 if every one of them is in the cache now; else 1, with the reasons on stderr.
// `max_stack` is the `wasm.maxStack` of the servers that will use them: it shapes the light engine's code.
int compile_modules(const std::vector<std::string>& files, wasm::Runtime runtime, Bytes max_stack);

// The guest's stdin, stdout and stderr are ours, and bytes pass while it runs; with `pooled` it is started ahead and given our
// stdin whole, as an event. The exit code is the guest's, or says how it failed; 2 if a directory of `run` cannot be opened.
int run_module(const ModuleRun& run);

}  // namespace fiso::program

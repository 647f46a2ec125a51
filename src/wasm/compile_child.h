// Compiles a module in a process of its own, so that hostile module bytes cost a child and not us.
//
// The child is this very program, started again under the name kCompilerName (every main calls compiler_main() first when it
// finds itself called so), or another that keeps to the same rules. It gets the module on one inherited descriptor and hands the
// artifact, or the reason why there is none, back on another; it writes no file, and what it says on stderr as it dies becomes
// part of that reason, in one line. CPU time and memory are limited, and a
// wall-clock deadline of four times the CPU limit covers the rest. Control thread: it blocks.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/stop_request.h"
#include "base/units.h"

namespace fiso::wasm {

inline constexpr char kCompilerName[] = "fiso-module-compiler";
inline constexpr char kOwnProgram[] = "/proc/self/exe";

struct CompileLimits {
  Duration cpu = std::chrono::seconds(60);
  Bytes memory = 1_GiB;
};

// `settings` reach the child's compile function as they are. The error's message says what is wrong with the module; kCancelled
// if `stop` was made first, and then the child is gone.
Result<std::vector<uint8_t>> compile_in_child(std::span<const uint8_t> module, const std::string& settings,
                                              const CompileLimits& limits, StopRequest stop = {},
                                              const std::string& program = kOwnProgram);

// The child's side.
using CompileFunction = std::function<Result<std::vector<uint8_t>>(std::span<const uint8_t> module, const std::string& settings)>;
// True if this process was started to compile; then compiler_main() is all it does.
bool started_to_compile(int argc, char** argv);
int compiler_main(char** argv, const CompileFunction& compile);

}  // namespace fiso::wasm

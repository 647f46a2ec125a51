// What this CPU can do, as it says itself: compiled code for one CPU may not run on another.
#pragma once

#include <string>

namespace fiso::wasm {

// Equal texts mean that the same instructions are there. From the CPU and not from /proc/cpuinfo, which takes a millisecond.
std::string cpu_features();

}  // namespace fiso::wasm

// What a module says about itself before anybody has compiled it.
//
// Reads the binary format's section headers (WebAssembly Core Specification 2.0, chapter 5) as far as it must. Only a hint:
// the bytes are untrusted and not validated, and a module that cannot be read says zero.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"

namespace fiso::wasm {

// The linear memory that an instance starts with, be it that the host makes it for the module to import; zero if there is none.
Bytes initial_memory_of(std::span<const uint8_t> module);

}  // namespace fiso::wasm

// How Wasmtime is configured. The engine that compiles and the one that runs must agree on all that shapes code.
#pragma once

#include <string>

#include "base/result.h"
#include "base/units.h"
#include "wasm/light/wasmtime_handles.h"

namespace fiso::wasm::light {

struct EngineConfig {
  uint32_t slots = 512;         // instances at once
  Bytes stack = 512_KiB;        // guest stack; a fiber has 512 KiB more for the host functions on it
  Bytes keep_resident = 8_MiB;  // of each memory, zeroed in place instead of being given back, when a slot is reused
  // Ask the kernel which pages are dirty instead of zeroing all that is kept (Linux 6.7 and newer).
  bool pagemap_scan = true;
  bool operator==(const EngineConfig&) const = default;
};

// For running guests: pooling allocator, fibers.
Result<EngineHandle> make_running_engine(const EngineConfig& config);
// For compiling only: reserves nothing.
Result<EngineHandle> make_compiling_engine(const EngineConfig& config);

// True if this kernel has PAGEMAP_SCAN.
bool has_pagemap_scan();

// Everything that shapes compiled code besides the module: engine version, settings, CPU. Part of the cache key.
std::string code_fingerprint(const EngineConfig& config);

}  // namespace fiso::wasm::light

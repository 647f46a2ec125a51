// What all guests of the process share: how many instances there may be, and how much memory they may have together.
//
// Thread-safe. An instance that is waiting for a place waits in a bounded queue; memory is charged as guests grow.
#pragma once

#include "async/limiter.h"
#include "base/units.h"

namespace fiso::wasm {

struct CapacityOptions {
  uint64_t instances = 512;
  size_t queue = 1000;
  Bytes memory;  // zero: half of the cgroup's or the machine's
};

struct Capacity {
  Capacity(async::ShardSet& shards, const CapacityOptions& options);

  async::Limiter instances;
  async::Limiter memory;
};

// Half of what this process may use: the cgroup's memory limit where there is one, else the machine's memory.
Bytes default_total_memory();

}  // namespace fiso::wasm

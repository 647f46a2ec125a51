// What all guests of the process share: how many instances there may be, and how much memory they may have together.
//
// Thread-safe. Whoever waits for a place or for memory waits in a bounded queue, and has idle instances destroyed meanwhile;
// memory is charged as guests grow.
#pragma once

#include <atomic>

#include "async/limiter.h"
#include "base/units.h"
#include "wasm/reserves.h"

namespace fiso::wasm {

struct CapacityOptions {
  uint64_t instances = 512;
  size_t queue = 1000;
  Bytes memory;  // zero: half of the cgroup's or the machine's
};

struct Capacity {
  Capacity(async::ShardSet& shards, const CapacityOptions& options);

  // Somebody waits for a place or for memory: nothing is to be kept in reserve.
  bool is_short() const { return instances.waiting() > 0 || memory.waiting() > 0; }

  async::Limiter instances;
  async::Limiter memory;
  Reserves reserves;
  // Whatever may still use the engine: configured guests whose pools, or what these have under way, have not gone.
  std::atomic<int64_t> configured_guests{0};

  // Counts its owner while it exists.
  class Presence {
   public:
    explicit Presence(std::atomic<int64_t>& count) : count_(count) { count_.fetch_add(1, std::memory_order_relaxed); }
    ~Presence() { count_.fetch_sub(1, std::memory_order_release); }
    Presence(const Presence&) = delete;

   private:
    std::atomic<int64_t>& count_;
  };
};

// Half of what this process may use: the cgroup's memory limit where there is one, else the machine's memory.
Bytes default_total_memory();

}  // namespace fiso::wasm

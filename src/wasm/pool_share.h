// What the pools of one configured guest have in common, over all shards: the guest, and the places of what is parked.
//
// There are `options.size` places in all, and no shard owns any: whoever starts an instance ahead takes a place. When none is
// left, a shard that has none parked, and had to serve a run without, gets the place of an instance of another shard that
// has not been used for `options.patience`: that one is destroyed there, and another is started here. A waiting guest is tied
// to its shard (its timers, its deadline), so a new one is cheaper than moving it. Thread-safe; no run takes a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "observe/metrics.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"

namespace fiso::wasm {

class InstancePool;

enum class Execution { kPerRequest, kPooled };

struct PoolOptions {
  Execution execution = Execution::kPerRequest;
  int64_t size = 4;
  int64_t max_requests = 1;
  Duration stale_after = std::chrono::seconds(30);  // at least; longer for guests that take long to start
  // How long an instance must have stood unused before another shard gets its place, and how long a pool waits before it
  // replaces what runs of other guests needed.
  Duration patience = std::chrono::seconds(1);
};

class PoolShare {
  // First, so that it goes when all else of this has gone.
  const Capacity::Presence presence_;

 public:
  PoolShare(Capacity& capacity, std::shared_ptr<const Module> module_used, std::shared_ptr<const GuestSetup> setup_used,
            PoolOptions pool_options, observe::Gauge& instances_gauge, observe::Gauge& parked_gauge)
      : presence_(capacity.configured_guests),
        module(std::move(module_used)),
        setup(std::move(setup_used)),
        options(pool_options),
        instances(instances_gauge),
        parked(parked_gauge),
        free_places_(pool_options.size),
        locals_(capacity.reserves.shards().count()) {}

  bool take_place();
  void return_place() { free_places_.fetch_add(1, std::memory_order_relaxed); }

  // Nothing more is to be started ahead: as many are parked as may be, or the guest is not one that parks.
  bool warm() const { return options.execution == Execution::kPerRequest || (opened_ && filling_ == 0); }
  // Why the first of them that failed to start did: how it ended, which every run of it would.
  std::optional<RunResult> start_failure() const {
    return start_failure_.with([](const auto& failure) { return failure; });
  }

  // Of a shard's first filling.
  void begin_filling() {
    filling_.fetch_add(1);
    opened_ = true;
  }
  void end_filling() { filling_.fetch_sub(1); }
  void note_start_failure(const RunResult& ended) {
    start_failure_.with([&](auto& failure) {
      if (!failure.has_value()) failure = ended;
    });
  }

  // What one shard has.
  struct alignas(64) Local {
    InstancePool* pool = nullptr;                     // touched on its shard only; null when it is closed
    std::atomic<MonotonicTime> unused_since{kNever};  // of what is parked, the longest; kNever if nothing is
  };
  Local& on(unsigned shard) { return locals_[shard]; }
  // The other shard that has had one unused for longest, if that is long enough.
  std::optional<unsigned> find_unused(unsigned but_not_on, MonotonicTime now) const;

  const std::shared_ptr<const Module> module;
  const std::shared_ptr<const GuestSetup> setup;
  const PoolOptions options;
  observe::Gauge& instances;  // that exist, parked ones included
  observe::Gauge& parked;
  // Found out while running: the guest does not loop, it wants the end of its input before it answers.
  std::atomic<bool> reads_to_end{false};

 private:
  std::atomic<int64_t> free_places_;
  std::atomic<bool> opened_{false};
  std::atomic<int> filling_{0};  // shards whose first filling has not come to its end
  mutable Guarded<std::optional<RunResult>> start_failure_;
  std::vector<Local> locals_;
};

}  // namespace fiso::wasm

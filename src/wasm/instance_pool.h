// Where instances come from: a fresh one per run, or one that was started ahead and waits for its input.
//
// `perRequest`: every run gets an instance of its own and the next run cannot see anything of it. `pooled`: the same, but
// up to `size` instances per process stand parked at their first read of input, so the guest's start-up is not on the run's
// path; a used one is replaced in the background, which steps aside for runs. A guest that loops over its input may
// serve `max_requests` runs. A parked instance has read its clock and its random seed: it is replaced when it has stood for
// max(`stale_after`, 1,000 x its start-up time). When none is parked, a run gets a fresh instance.
//
// Threading: one pool per shard; the pools of one guest share PoolShare, which divides `size` between the shards by use.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "async/shard.h"
#include "async/watchdog.h"
#include "observe/metrics.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::wasm {

enum class Execution { kPerRequest, kPooled };

struct PoolOptions {
  Execution execution = Execution::kPerRequest;
  int64_t size = 4;
  int64_t max_requests = 1;
  Duration stale_after = std::chrono::seconds(30);  // at least; longer for guests that take long to start
};

// What the pools of one configured guest have in common, over all shards. Thread-safe.
class PoolShare {
 public:
  PoolShare(std::shared_ptr<const Module> module_used, std::shared_ptr<const GuestSetup> setup_used, PoolOptions pool_options,
            observe::Gauge& instances_gauge, observe::Gauge& parked_gauge)
      : module(std::move(module_used)),
        setup(std::move(setup_used)),
        options(pool_options),
        instances(instances_gauge),
        parked(parked_gauge),
        free_places_(pool_options.size) {}

  // A place for a parked instance: `options.size` of them in all.
  bool take_place();
  // Nothing more is to be started ahead: as many are parked as may be, or the guest is not one that parks.
  bool warm() const { return options.execution == Execution::kPerRequest || settled.load(std::memory_order_relaxed); }
  void return_place() { free_places_.fetch_add(1, std::memory_order_relaxed); }

  const std::shared_ptr<const Module> module;
  const std::shared_ptr<const GuestSetup> setup;
  const PoolOptions options;
  observe::Gauge& instances;  // that exist, parked ones included
  observe::Gauge& parked;
  // Found out while running: the guest does not loop, it wants the end of its input before it answers.
  std::atomic<bool> reads_to_end{false};
  // The first filling has come to its end.
  std::atomic<bool> settled{false};

 private:
  std::atomic<int64_t> free_places_;
};

// Held by shared_ptr: what runs in the background keeps it alive until it has ended.
class InstancePool : public std::enable_shared_from_this<InstancePool> {
 public:
  InstancePool(async::Shard& shard, Capacity& capacity, std::shared_ptr<PoolShare> share);
  ~InstancePool();
  InstancePool(const InstancePool&) = delete;

  // Starts filling. Once, on the shard. `start_lines`, which may be null, is told until close() what guests write to stderr
  // while they are started ahead.
  void open(wasi::StderrSink* start_lines = nullptr);
  // Nothing is started any more: what is being started is stopped, what is parked is destroyed. On the shard.
  void close();

  // Runs the guest once. Waits for a place up to the guest's timeout when there are too many instances; kOverloaded beyond.
  Task<RunResult> run(const RunRequest& request);

 private:
  // An instance with what it holds of the process's capacity. In this order: the instance goes first.
  struct Lease {
    async::Limiter::Permit place;
    async::Limiter::Permit memory;
    std::unique_ptr<Instance> instance;
    int64_t served = 0;
    MonotonicTime stale_at = kNever;
    bool has_place = false;  // one of PoolShare's
  };
  struct StaleCheck final : async::Watchdog::Entry {
    explicit StaleCheck(InstancePool& owner) : Entry(owner.shard_.watchdog()), pool(owner) {}
    ~StaleCheck() override = default;
    void expired() noexcept override { pool.drop_stale(); }
    InstancePool& pool;
  };

  struct StartLines final : wasi::StderrSink {
    void line(std::string_view text) override {
      if (target != nullptr) target->line(text);
    }
    wasi::StderrSink* target = nullptr;
  };

  Task<Result<Lease>> lease_fresh();
  bool never_fits() const;
  void make_instance(Lease& lease);
  Task<RunResult> run_leased(Lease& lease, const RunRequest& request);
  bool take_parked(Lease& lease);
  void park(Lease lease);
  // What becomes of an instance that was used. perRequest: it goes at once, and the next one finds its slot warm.
  void retire(Lease lease);
  void drop(Lease lease);
  void drop_all(std::deque<Lease>& leases);
  void drop_stale();
  void refill();
  static Task<> refill_in_background(std::shared_ptr<InstancePool> self);
  Task<bool> start_ahead();

  async::Shard& shard_;
  Capacity& capacity_;
  std::shared_ptr<PoolShare> share_;
  std::deque<Lease> parked_;  // the newest last
  std::deque<Lease> spent_;   // used, and to be dropped when no run waits for it
  StaleCheck stale_check_;
  Instance* starting_ = nullptr;  // the one that is being started ahead
  StartLines start_lines_;
  int running_ = 0;  // runs under way here
  bool refilling_ = false;
  bool never_parks_ = false;  // the guest ends without reading input: nothing to start ahead
  bool closed_ = false;
};

}  // namespace fiso::wasm

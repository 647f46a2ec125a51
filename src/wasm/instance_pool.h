// Where instances come from: a fresh one per run, or one that was started ahead and waits for its input.
//
// `perRequest`: every run gets an instance of its own and the next run cannot see anything of it. `pooled`: the same, but
// up to `size` instances per process stand parked at their first read of input, so the guest's start-up is not on the run's
// path; a used one is replaced in the background, which steps aside for runs. A guest that loops over its input may
// serve `max_requests` runs. A parked instance has read its clock and its random seed: it is replaced when it has stood for
// max(`stale_after`, 1,000 x its start-up time). When none is parked, a run gets a fresh instance.
//
// What is parked, being started or has served is a reserve (reserves.h): it goes when a run of any guest is short of a place or
// of memory, nothing is parked while one waits, and the pool then does not fill up again before `patience` has passed.
//
// Threading: one pool per shard; the pools of one guest share PoolShare, which divides `size` between the shards by use.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "async/shard.h"
#include "async/watchdog.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/pool_share.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::wasm {

// Held by shared_ptr: what runs in the background keeps it alive until it has ended.
class InstancePool final : public std::enable_shared_from_this<InstancePool>, private Reserve {
 public:
  InstancePool(async::Shard& shard, Capacity& capacity, std::shared_ptr<PoolShare> share);
  ~InstancePool();
  InstancePool(const InstancePool&) = delete;

  // Starts filling. Once, on the shard. `start_lines`, which may be null, is told until close() what guests write to stderr
  // while they are started ahead.
  void open(wasi::StderrSink* start_lines = nullptr);
  // Nothing is started any more: what is being started is stopped, what is parked is destroyed. On the shard.
  void close();

  // Runs under way end soon, as if no instance had been free, and so does any that comes: nobody waits for them any more. On the
  // shard.
  void stop_runs();

  // Runs the guest once. Waits for a place up to the guest's timeout when there are too many instances; kOverloaded beyond. Input
  // of which an instance that died has read nothing is given to another, within the time that the run has.
  Task<RunResult> run(const RunRequest& request);

 private:
  // An instance with what it holds of the process's capacity. In this order: the instance goes first.
  struct Lease {
    async::Limiter::Permit place;
    async::Limiter::Permit memory;
    std::unique_ptr<Instance> instance;
    int64_t served = 0;
    MonotonicTime stale_at = kNever;
    MonotonicTime idle_since = kNever;
    bool has_place = false;  // one of PoolShare's
  };
  // Looks when something parked becomes stale, or the pool may fill up again.
  struct Check final : async::Watchdog::Entry {
    explicit Check(InstancePool& owner) : Entry(owner.shard_.watchdog()), pool(owner) {}
    ~Check() override = default;
    void expired() noexcept override { pool.look(); }
    InstancePool& pool;
  };

  struct StartLines final : wasi::StderrSink {
    void line(std::string_view text) override {
      if (target != nullptr) target->line(text);
    }
    wasi::StderrSink* target = nullptr;
  };

  // Reserve
  MonotonicTime idle_since() const override;
  Room drop_idle() override;

  Task<RunResult> run_until_over(const RunRequest& request);
  MonotonicTime time_of(const RunRequest& request) const;
  Task<Result<Lease>> lease_fresh(const RunRequest& request);
  bool never_fits() const;
  void make_instance(Lease& lease);
  Task<RunResult> run_leased(Lease& lease, const RunRequest& request);
  bool take_parked(Lease& lease);
  void park(Lease lease);
  // What becomes of an instance that was used. perRequest: it goes at once, and the next one finds its slot warm.
  void put_back(Lease lease, const RunResult& result);
  void retire(Lease lease);
  void drop(Lease lease);
  void drop_all(std::deque<Lease>& leases);
  Lease take_oldest(std::deque<Lease>& leases);
  Room room_of(const Lease& lease) const;
  // Tells the others what is idle here, whenever that has changed.
  void publish();
  void look();
  void look_at(MonotonicTime time);
  void hold_back();
  bool may_start() const { return !closed_ && !never_parks_ && !held_back_; }
  void refill();
  static Task<> refill_in_background(std::shared_ptr<InstancePool> self);
  bool take_place();
  void ask_for_place();
  void give_up_place();
  Task<bool> start_ahead();
  Task<bool> start(Lease& lease);

  async::Shard& shard_;
  Capacity& capacity_;
  std::shared_ptr<PoolShare> share_;
  std::deque<Lease> parked_;  // the newest last
  std::deque<Lease> spent_;   // used, and to be dropped when no run waits for it
  std::optional<Check> check_;
  Lease* starting_ = nullptr;  // what is being started ahead
  StartLines start_lines_;
  int64_t published_ = 0;
  std::vector<Instance*> running_;      // of runs under way here
  MonotonicTime fills_again_ = kNever;  // while held back
  bool refilling_ = false;
  bool filled_once_ = false;  // what was opened has been told so, whatever came of it
  bool held_back_ = false;    // others needed what was here, or there is no room
  bool called_off_ = false;   // what is being started is to end: others need its room
  bool went_short_ = false;   // a run found nothing parked here
  bool asking_ = false;       // for another shard's place
  bool never_parks_ = false;  // the guest ends without reading input: nothing to start ahead
  bool closed_ = false;
  bool stopped_ = false;  // no run is wanted any more
};

}  // namespace fiso::wasm

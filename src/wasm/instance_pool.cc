#include "wasm/instance_pool.h"

#include <algorithm>

#include "async/signal.h"
#include "async/spawn.h"

namespace fiso::wasm {
namespace {

constexpr int kStalenessPerStart = 1000;
// How long a refill steps aside while runs are under way.
constexpr std::chrono::milliseconds kStepAside{1};
constexpr int kMostStepsAside = 20;

// What a guest that loops has to answer; after anything else its next answer might belong to this event.
bool is_one_line(std::string_view output) { return output.find('\n') == output.size() - 1; }

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

bool PoolShare::take_place() {
  int64_t free = free_places_.load(std::memory_order_relaxed);
  while (free > 0 && !free_places_.compare_exchange_weak(free, free - 1)) {}
  return free > 0;
}

InstancePool::InstancePool(async::Shard& shard, Capacity& capacity, std::shared_ptr<PoolShare> share)
    : shard_(shard), capacity_(capacity), share_(std::move(share)), stale_check_(*this) {}

InstancePool::~InstancePool() { close(); }

void InstancePool::open(wasi::StderrSink* start_lines) {
  start_lines_.target = start_lines;
  refill();
}

void InstancePool::close() {
  closed_ = true;
  start_lines_.target = nullptr;
  if (starting_ != nullptr) starting_->stop();
  stale_check_.clear();
  share_->parked.add(-static_cast<double>(parked_.size()));
  drop_all(parked_);
  drop_all(spent_);
}

Task<RunResult> InstancePool::run(const RunRequest& request) {
  Lease lease;
  if (!take_parked(lease)) {
    auto fresh = co_await lease_fresh();
    if (!fresh.has_value()) co_return RunResult{.outcome = never_fits() ? Outcome::kMemory : Outcome::kOverloaded};
    lease = std::move(*fresh);
  }
  ++running_;
  RunResult result = co_await run_leased(lease, request);
  --running_;
  bool survives =
      lease.instance->waiting() && lease.served < share_->options.max_requests && !closed_ && is_one_line(result.output);
  if (survives && !lease.has_place) lease.has_place = share_->take_place();
  if (survives && lease.has_place) {
    park(std::move(lease));
  } else {
    retire(std::move(lease));
  }
  refill();
  co_return result;
}

Task<RunResult> InstancePool::run_leased(Lease& lease, const RunRequest& request) {
  ++lease.served;
  bool loops =
      share_->options.max_requests > 1 && share_->setup->may_park && !share_->reads_to_end.load(std::memory_order_relaxed);
  RunResult result = co_await lease.instance->run(request, loops ? AfterInput::kMore : AfterInput::kEnd);
  if (loops && result.outcome == Outcome::kOk && !lease.instance->waiting())
    share_->reads_to_end.store(true, std::memory_order_relaxed);
  co_return result;
}

// Whoever is told to come again later should have a chance then.
bool InstancePool::never_fits() const { return share_->module->initial_memory() > share_->setup->limits.memory; }

Task<Result<InstancePool::Lease>> InstancePool::lease_fresh() {
  MonotonicTime deadline = kNever;  // read off the clock only by those that must wait
  drop_all(spent_);                 // what they hold may be just what is missing
  auto wait_until = [&] { return deadline == kNever ? deadline = now() + share_->setup->limits.timeout : deadline; };
  Lease lease;
  lease.place = capacity_.instances.try_acquire();
  if (!lease.place) {
    FISO_CO_TRY(lease.place, co_await capacity_.instances.acquire(wait_until()));
  }
  uint64_t initial = share_->module->initial_memory().count;
  lease.memory = capacity_.memory.try_acquire(initial);
  if (!lease.memory) {
    FISO_CO_TRY(lease.memory, co_await capacity_.memory.acquire(wait_until(), initial));
  }
  make_instance(lease);
  co_return lease;
}

void InstancePool::make_instance(Lease& lease) {
  lease.instance = share_->module->instantiate(shard_, share_->setup);
  share_->instances.increment();
  if (share_->setup->may_park) lease.stale_at = now() + share_->options.stale_after;
}

bool InstancePool::take_parked(Lease& lease) {
  if (parked_.empty()) return false;
  MonotonicTime time = now();
  while (!parked_.empty()) {
    lease = std::move(parked_.back());
    parked_.pop_back();
    share_->parked.decrement();
    if (lease.stale_at > time) return true;
    drop(std::exchange(lease, Lease()));
  }
  return false;
}

void InstancePool::park(Lease lease) {
  share_->parked.increment();
  stale_check_.set(std::min(stale_check_.deadline(), lease.stale_at));
  parked_.push_back(std::move(lease));
}

void InstancePool::drop_all(std::deque<Lease>& leases) {
  for (Lease& lease : std::exchange(leases, {})) drop(std::move(lease));
}

void InstancePool::drop(Lease lease) {
  if (lease.has_place) share_->return_place();
  if (lease.instance) share_->instances.decrement();
  lease.instance.reset();
}

// A pool is there for latency, and dropping a large guest takes a while: its answer goes first. Otherwise at once.
void InstancePool::retire(Lease lease) {
  bool later =
      share_->options.execution == Execution::kPooled && !closed_ && spent_.size() < static_cast<size_t>(share_->options.size);
  if (later) {
    spent_.push_back(std::move(lease));
  } else {
    drop(std::move(lease));
  }
}

void InstancePool::drop_stale() {
  MonotonicTime time = now(), next = kNever;
  for (Lease& lease : std::exchange(parked_, {})) {
    if (lease.stale_at <= time) {
      share_->parked.decrement();
      drop(std::move(lease));
    } else {
      next = std::min(next, lease.stale_at);
      parked_.push_back(std::move(lease));
    }
  }
  stale_check_.set(next);
  refill();
}

void InstancePool::refill() {
  if (share_->options.execution != Execution::kPooled || refilling_ || closed_) return;
  refilling_ = true;
  async::spawn(shard_, refill_in_background(shared_from_this()));
}

// Steps aside before each instance, so that neither a run nor the answer to one waits for it. What has served goes in any
// case: others may be waiting for the place that it holds.
Task<> InstancePool::refill_in_background(std::shared_ptr<InstancePool> self) {
  bool more = true;
  while (more && !self->closed_) {
    for (int i = 0; i == 0 || (i < kMostStepsAside && self->running_ > 0 && !self->closed_); ++i)
      co_await async::sleep_until(now() + kStepAside);
    self->drop_all(self->spent_);
    more = !self->closed_ && !self->never_parks_ && self->share_->take_place() && co_await self->start_ahead();
  }
  self->drop_all(self->spent_);
  self->share_->settled.store(true, std::memory_order_relaxed);
  self->refilling_ = false;
}

// Holds a place of the share's. True if one more instance stands parked.
Task<bool> InstancePool::start_ahead() {
  Lease lease;
  lease.has_place = true;
  lease.place = capacity_.instances.try_acquire();
  lease.memory = capacity_.memory.try_acquire(share_->module->initial_memory().count);
  bool enough = lease.place && lease.memory;  // if not, runs need what there is
  MonotonicTime start = now();
  if (enough) {
    make_instance(lease);
    starting_ = lease.instance.get();
    RunResult started = co_await starting_->park(&start_lines_);
    starting_ = nullptr;
    // Running out of the memory for all says nothing about the guest.
    never_parks_ = !lease.instance->waiting() && started.outcome != Outcome::kExhausted;
  }
  bool parked = enough && lease.instance->waiting() && !closed_;
  if (parked) {
    lease.stale_at = now() + std::max<Duration>(share_->options.stale_after, (now() - start) * kStalenessPerStart);
    park(std::move(lease));
  } else {
    drop(std::move(lease));
  }
  co_return parked;
}

}  // namespace fiso::wasm

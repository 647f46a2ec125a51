#include "wasm/instance_pool.h"

#include <algorithm>
#include <utility>

#include "async/signal.h"
#include "async/spawn.h"

namespace fiso::wasm {
namespace {

constexpr int kStalenessPerStart = 1000;
// How long a refill steps aside while runs are under way.
constexpr std::chrono::milliseconds kStepAside{1};
constexpr int kMostStepsAside = 20;
// Instances that may be given the same input, one after the death of the other. A guest whose process dies whenever it starts
// shall not take up the machine.
constexpr int kMostAttempts = 3;

// What a guest that loops has to answer; after anything else its next answer might belong to this event.
bool is_one_line(std::string_view output) { return output.find('\n') == output.size() - 1; }

bool is_untouched(const RunRequest& request, const RunResult& result) {
  uint64_t size = 0;
  for (std::string_view piece : request.input) size += piece.size();
  return result.died && size > 0 && result.unread >= size;
}

MonotonicTime now() { return std::chrono::steady_clock::now(); }

// Of whatever is stopped, or waits until there is no time left to run.
bool is_out_of_time(const RunResult& result) {
  return result.outcome == Outcome::kTimeout || result.outcome == Outcome::kLate || result.outcome == Outcome::kOverloaded;
}

// Stops a run whose caller leaves.
class WatchedCaller {
 public:
  WatchedCaller(Caller& caller, RunHandle& run) : caller_(caller), run_(run) {
    caller_.when_gone(this, [](void* self) noexcept {
      auto& watched = *static_cast<WatchedCaller*>(self);
      watched.has_gone_ = true;
      watched.run_.stop();
    });
  }
  ~WatchedCaller() { caller_.when_gone(nullptr, nullptr); }
  WatchedCaller(const WatchedCaller&) = delete;

  bool has_gone() const { return has_gone_; }

 private:
  Caller& caller_;
  RunHandle& run_;
  bool has_gone_ = false;
};

}  // namespace

InstancePool::InstancePool(async::Shard& shard, Capacity& capacity, std::shared_ptr<PoolShare> share)
    : shard_(shard), capacity_(capacity), share_(std::move(share)) {}

InstancePool::~InstancePool() { close(); }

void InstancePool::open(wasi::StderrSink* start_lines) {
  if (share_->options.execution != Execution::kPooled) return;
  start_lines_.target = start_lines;
  check_.emplace(*this);
  share_->on(shard_.index()).pool = this;
  share_->begin_filling();
  capacity_.reserves.add(*this);
  refill();
}

void InstancePool::close() {
  closed_ = true;
  if (!check_.has_value()) return;
  check_.reset();
  start_lines_.target = nullptr;
  if (starting_ != nullptr) starting_->instance->stop();
  share_->parked.add(-static_cast<double>(parked_.size()));
  drop_all(parked_);
  drop_all(spent_);
  share_->on(shard_.index()).pool = nullptr;
  capacity_.reserves.remove(*this);
}

void InstancePool::stop_runs() {
  stopped_ = true;
  for (Instance* instance : running_) instance->stop();
}

Task<RunResult> InstancePool::run(const RunRequest& request) {
  if (request.caller == nullptr) co_return co_await run_until_over(request);
  RunRequest given = request;
  RunHandle own;
  if (given.handle == nullptr) given.handle = &own;
  WatchedCaller caller(*request.caller, *given.handle);
  RunResult result = co_await run_until_over(given);
  if (caller.has_gone() && is_out_of_time(result)) result.outcome = Outcome::kAbandoned;
  co_return result;
}

Task<RunResult> InstancePool::run_until_over(const RunRequest& request) {
  RunRequest given = request;
  if (given.deadline.has_value()) given.deadline = time_of(request);
  for (int attempt = 1;; ++attempt) {
    Lease lease;
    if (attempt > 1 || !take_parked(lease)) {
      auto fresh = co_await lease_fresh(given);
      if (!fresh.has_value() && now() >= request.latest) co_return RunResult{.outcome = Outcome::kLate};
      if (!fresh.has_value()) co_return RunResult{.outcome = never_fits() ? Outcome::kMemory : Outcome::kOverloaded};
      lease = std::move(*fresh);
      went_short_ = true;
    }
    if (!given.deadline.has_value()) given.deadline = time_of(request);
    RunResult result{.outcome = Outcome::kTimeout};
    if (!stopped_ && (request.handle == nullptr || request.handle->begin(*lease.instance))) {
      running_.push_back(lease.instance.get());
      result = co_await run_leased(lease, given);
      std::erase(running_, lease.instance.get());
    }
    if (request.handle != nullptr) request.handle->end();
    if (result.outcome == Outcome::kTimeout && *given.deadline == request.latest && now() >= request.latest)
      result.outcome = Outcome::kLate;
    if (stopped_ && is_out_of_time(result)) result.outcome = Outcome::kOverloaded;
    put_back(std::move(lease), result);
    if (attempt == kMostAttempts || !is_untouched(request, result)) co_return result;
  }
}

void InstancePool::put_back(Lease lease, const RunResult& result) {
  bool survives =
      lease.instance->waiting() && lease.served < share_->options.max_requests && !closed_ && is_one_line(result.output);
  if (survives && !lease.has_place) lease.has_place = share_->take_place();
  if (survives && lease.has_place) {
    park(std::move(lease));
  } else {
    retire(std::move(lease));
  }
  refill();
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

MonotonicTime InstancePool::time_of(const RunRequest& request) const {
  return std::min(request.deadline.value_or(now() + share_->setup->limits.timeout), request.latest);
}

Task<Result<InstancePool::Lease>> InstancePool::lease_fresh(const RunRequest& request) {
  drop_all(spent_);  // what they hold may be just what is missing
  std::optional<MonotonicTime> deadline = request.deadline;
  auto wait_until = [&] {  // read off the clock only by those that must wait
    if (!deadline.has_value()) deadline = time_of(request);
    return *deadline;
  };
  Lease lease;
  lease.place = capacity_.instances.try_acquire();
  if (!lease.place) {
    capacity_.reserves.make_room_here({.places = 1});
    FISO_CO_TRY(lease.place, co_await capacity_.instances.acquire(wait_until()));
  }
  uint64_t initial = share_->module->initial_memory().count;
  lease.memory = capacity_.memory.try_acquire(initial);
  if (!lease.memory) {
    capacity_.reserves.make_room_here({.bytes = initial});
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
  while (!parked_.empty() && !lease.instance) {
    lease = std::move(parked_.back());
    parked_.pop_back();
    share_->parked.decrement();
    bool is_dead = !lease.instance->waiting();  // a worker process can die while its guest stands parked
    if (is_dead || lease.stale_at <= time) drop(std::exchange(lease, Lease()));
  }
  publish();
  return lease.instance != nullptr;
}

void InstancePool::park(Lease lease) {
  share_->parked.increment();
  lease.idle_since = now();
  look_at(lease.stale_at);
  parked_.push_back(std::move(lease));
  went_short_ = false;
  publish();
  // Whoever began to wait before this was published did not see it.
  if (capacity_.is_short()) drop_idle();
}

void InstancePool::drop_all(std::deque<Lease>& leases) {
  if (leases.empty()) return;
  for (Lease& lease : std::exchange(leases, {})) drop(std::move(lease));
  publish();
}

void InstancePool::drop(Lease lease) {
  if (lease.has_place) share_->return_place();
  if (lease.instance) share_->instances.decrement();
  lease.instance.reset();
}

InstancePool::Lease InstancePool::take_oldest(std::deque<Lease>& leases) {
  Lease lease = std::move(leases.front());
  leases.pop_front();
  if (&leases == &parked_) share_->parked.decrement();
  publish();
  return lease;
}

// A pool is there for latency, and dropping a large guest takes a while: its answer goes first. Otherwise at once.
void InstancePool::retire(Lease lease) {
  bool later = share_->options.execution == Execution::kPooled && !closed_ && !capacity_.is_short() &&
               spent_.size() < static_cast<size_t>(share_->options.size);
  if (!later) return drop(std::move(lease));
  spent_.push_back(std::move(lease));
  publish();
  if (capacity_.is_short()) drop_idle();
}

// What has served is of no use any more: it counts as idle for ever.
MonotonicTime InstancePool::idle_since() const {
  if (!spent_.empty()) return MonotonicTime::min();
  if (!parked_.empty()) return parked_.front().idle_since;
  return starting_ != nullptr && !called_off_ ? now() : kNever;
}

Room InstancePool::drop_idle() {
  Room room;
  if (!spent_.empty() || !parked_.empty()) {
    Lease lease = take_oldest(spent_.empty() ? parked_ : spent_);
    room = room_of(lease);
    if (lease.has_place) hold_back();
    drop(std::move(lease));
  } else if (starting_ != nullptr && !called_off_) {
    room = room_of(*starting_);
    called_off_ = true;
    starting_->instance->stop();
    publish();
  }
  return room;
}

Room InstancePool::room_of(const Lease& lease) const {
  return {.places = 1, .bytes = std::max(share_->module->initial_memory(), lease.instance->memory()).count};
}

void InstancePool::publish() {
  int64_t idle = static_cast<int64_t>(parked_.size() + spent_.size()) + (starting_ != nullptr && !called_off_ ? 1 : 0);
  if (idle != published_) capacity_.reserves.count(idle - std::exchange(published_, idle));
  MonotonicTime unused_since = parked_.empty() ? kNever : parked_.front().idle_since;
  share_->on(shard_.index()).unused_since.store(unused_since, std::memory_order_relaxed);
}

void InstancePool::look_at(MonotonicTime time) { check_->set(std::min(check_->deadline(), time)); }

void InstancePool::look() {
  MonotonicTime time = now();
  if (fills_again_ <= time) {
    fills_again_ = kNever;
    held_back_ = false;
  }
  look_at(fills_again_);
  for (Lease& lease : std::exchange(parked_, {})) {
    if (lease.stale_at <= time) {
      share_->parked.decrement();
      drop(std::move(lease));
    } else {
      look_at(lease.stale_at);
      parked_.push_back(std::move(lease));
    }
  }
  publish();
  refill();
}

void InstancePool::hold_back() {
  if (closed_) return;
  held_back_ = true;
  fills_again_ = now() + share_->options.patience;
  look_at(fills_again_);
}

void InstancePool::refill() {
  bool nothing_to_do = !may_start() && spent_.empty();
  if (share_->options.execution != Execution::kPooled || refilling_ || closed_ || nothing_to_do) return;
  refilling_ = true;
  async::spawn(shard_, refill_in_background(shared_from_this()));
}

// Steps aside before each instance, so that neither a run nor the answer to one waits for it. What has served goes in any
// case: others may be waiting for the place that it holds.
Task<> InstancePool::refill_in_background(std::shared_ptr<InstancePool> self) {
  bool more = true;
  while (more && !self->closed_) {
    for (int i = 0; i == 0 || (i < kMostStepsAside && !self->running_.empty() && !self->closed_); ++i)
      co_await async::sleep_until(now() + kStepAside);
    self->drop_all(self->spent_);
    more = self->may_start() && self->take_place() && co_await self->start_ahead();
  }
  self->drop_all(self->spent_);
  if (!std::exchange(self->filled_once_, true)) self->share_->end_filling();
  self->refilling_ = false;
}

bool InstancePool::take_place() {
  if (share_->take_place()) return true;
  if (went_short_ && parked_.empty() && !asking_) ask_for_place();
  return false;
}

void InstancePool::ask_for_place() {
  auto donor = share_->find_unused(shard_.index(), now());
  if (!donor.has_value()) return;
  asking_ = true;
  async::ShardSet& shards = capacity_.reserves.shards();
  shards[*donor].post([&shards, share = share_, from = *donor, to = shard_.index()]() mutable {
    if (InstancePool* pool = share->on(from).pool) pool->give_up_place();
    shards[to].post([share = std::move(share), to] {
      InstancePool* pool = share->on(to).pool;
      if (pool == nullptr) return;
      pool->asking_ = false;
      pool->refill();
    });
  });
}

// For the pool of another shard. Unless it has been used since that was decided.
void InstancePool::give_up_place() {
  if (!parked_.empty() && now() - parked_.front().idle_since >= share_->options.patience) drop(take_oldest(parked_));
}

// Holds a place of the share's. True if one more instance stands parked.
Task<bool> InstancePool::start_ahead() {
  Lease lease;
  lease.has_place = true;
  lease.place = capacity_.instances.try_acquire();
  lease.memory = capacity_.memory.try_acquire(share_->module->initial_memory().count);
  if (!lease.place || !lease.memory) {  // runs need what there is
    drop(std::move(lease));
    hold_back();
    co_return false;
  }
  bool stays = co_await start(lease);
  if (stays && !closed_) {
    park(std::move(lease));
    co_return true;
  }
  drop(std::move(lease));
  co_return false;
}

// False if the guest does not wait for input, or is to go all the same.
Task<bool> InstancePool::start(Lease& lease) {
  MonotonicTime began = now();
  make_instance(lease);
  starting_ = &lease;
  publish();
  RunResult started = co_await lease.instance->park(&start_lines_);
  starting_ = nullptr;
  publish();
  // Neither being called off nor running out of the memory for all nor the death of its process says anything about the guest.
  if (std::exchange(called_off_, false) || started.outcome == Outcome::kExhausted || started.died) {
    hold_back();
    co_return false;
  }
  never_parks_ = !lease.instance->waiting();
  if (started.outcome != Outcome::kOk && !closed_) share_->note_start_failure(started);
  lease.stale_at = now() + std::max<Duration>(share_->options.stale_after, (now() - began) * kStalenessPerStart);
  co_return !never_parks_;
}

}  // namespace fiso::wasm

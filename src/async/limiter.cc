#include "async/limiter.h"

#include <algorithm>

#include "base/check.h"

namespace fiso::async {

Limiter::Limiter(ShardSet& shards, uint64_t capacity, size_t max_waiting)
    : state_(std::make_shared<State>(shards, capacity, max_waiting)) {}

Limiter::~Limiter() { FISO_CHECK(waiting() == 0, "somebody still waits"); }

Limiter::State::State(ShardSet& all_shards, uint64_t units, size_t most_waiting)
    : shards(all_shards), capacity(units), max_waiting(most_waiting) {
  for (unsigned i = 0; i < shards.count(); ++i) queues.push_back(std::make_unique<Queue>());
}

void Limiter::Permit::release() {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back(std::exchange(units_, 0));
}

void Limiter::Permit::join(Permit more) {
  if (limiter_ == nullptr) return std::swap(*this, more);
  FISO_CHECK(more.limiter_ == nullptr || more.limiter_ == limiter_, "units of two limiters");
  units_ += std::exchange(more.units_, 0);
  more.limiter_ = nullptr;
}

bool Limiter::State::take(uint64_t units) {
  uint64_t used = in_use.load(std::memory_order_relaxed);
  do {
    if (units > capacity - std::min(used, capacity)) return false;
  } while (!in_use.compare_exchange_weak(used, used + units, std::memory_order_acq_rel));
  return true;
}

void Limiter::State::give_back(uint64_t units) {
  in_use.fetch_sub(units, std::memory_order_seq_cst);
  if (waiting.load(std::memory_order_seq_cst) > 0) [[unlikely]]
    wake();
}

Limiter::Permit Limiter::try_acquire(uint64_t units) {
  if (waiting() > 0 || !take(units)) return Permit();
  return Permit(state_.get(), units);
}

Task<Result<Limiter::Permit>> Limiter::acquire(MonotonicTime deadline, uint64_t units) {
  State& state = *state_;
  if (Permit permit = try_acquire(units)) co_return permit;
  if (units > state.capacity) co_return Error(ErrorCode::kOverloaded, "more than the limit allows in all");
  if (state.waiting.fetch_add(1, std::memory_order_seq_cst) >= state.max_waiting) {
    state.waiting.fetch_sub(1, std::memory_order_relaxed);
    if (state.when_short) state.when_short(units);
    co_return Error(ErrorCode::kOverloaded, "too many are waiting");
  }
  Shard& shard = Shard::current();
  Queue& queue = *state.queues[shard.index()];
  Waiter waiter{units, Signal(shard.executor())};
  queue.waiters.push_back(&waiter);
  queue.length.fetch_add(1, std::memory_order_seq_cst);
  state.grant(shard.index());  // units may have come back between the attempt and the queueing
  if (state.when_short && !waiter.granted.is_set()) state.when_short(units);
  bool granted = co_await waiter.granted.wait(deadline);
  if (!granted) {
    std::erase(queue.waiters, &waiter);
    queue.length.fetch_sub(1, std::memory_order_relaxed);
    state.waiting.fetch_sub(1, std::memory_order_relaxed);
    state.wake();  // it may have stood in the way of others that want less
    co_return Error(ErrorCode::kTimeout, "waited too long for a free place");
  }
  co_return Permit(&state, units);
}

// Lets waiters of one shard have what is free, in order.
void Limiter::State::grant(unsigned shard) {
  Queue& queue = *queues[shard];
  while (!queue.waiters.empty() && take(queue.waiters.front()->units)) {
    Waiter* waiter = queue.waiters.front();
    queue.waiters.pop_front();
    queue.length.fetch_sub(1, std::memory_order_relaxed);
    waiting.fetch_sub(1, std::memory_order_relaxed);
    waiter->granted.set();
  }
}

void Limiter::State::wake() {
  for (unsigned i = 0; i < queues.size(); ++i)
    if (queues[i]->length.load(std::memory_order_seq_cst) > 0) shards[i].post([self = shared_from_this(), i] { self->grant(i); });
}

}  // namespace fiso::async

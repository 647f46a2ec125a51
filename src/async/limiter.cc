#include "async/limiter.h"

#include <algorithm>

#include "base/check.h"

namespace fiso::async {

Limiter::Limiter(ShardSet& shards, uint64_t capacity, size_t max_waiting)
    : shards_(shards), capacity_(capacity), max_waiting_(max_waiting) {
  for (unsigned i = 0; i < shards.count(); ++i) queues_.push_back(std::make_unique<Queue>());
}

Limiter::~Limiter() { FISO_CHECK(waiting_.load() == 0, "somebody still waits"); }

void Limiter::Permit::release() {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back(std::exchange(units_, 0));
}

bool Limiter::take(uint64_t units) {
  uint64_t used = in_use_.load(std::memory_order_relaxed);
  do {
    if (units > capacity_ - std::min(used, capacity_)) return false;
  } while (!in_use_.compare_exchange_weak(used, used + units, std::memory_order_acq_rel));
  return true;
}

void Limiter::give_back(uint64_t units) {
  in_use_.fetch_sub(units, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) > 0) [[unlikely]]
    wake();
}

Limiter::Permit Limiter::try_acquire(uint64_t units) {
  if (waiting_.load(std::memory_order_relaxed) > 0 || !take(units)) return Permit();
  return Permit(this, units);
}

Task<Result<Limiter::Permit>> Limiter::acquire(MonotonicTime deadline, uint64_t units) {
  if (Permit permit = try_acquire(units)) co_return permit;
  if (units > capacity_) co_return Error(ErrorCode::kOverloaded, "more than the limit allows in all");
  if (waiting_.fetch_add(1, std::memory_order_seq_cst) >= max_waiting_) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    co_return Error(ErrorCode::kOverloaded, "too many are waiting");
  }
  Shard& shard = Shard::current();
  Queue& queue = *queues_[shard.index()];
  Waiter waiter{units, Signal(shard.executor())};
  queue.waiters.push_back(&waiter);
  queue.length.fetch_add(1, std::memory_order_seq_cst);
  grant(shard.index());  // units may have come back between the attempt and the queueing
  bool granted = co_await waiter.granted.wait(deadline);
  if (!granted) {
    std::erase(queue.waiters, &waiter);
    queue.length.fetch_sub(1, std::memory_order_relaxed);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    co_return Error(ErrorCode::kTimeout, "waited too long for a free place");
  }
  co_return Permit(this, units);
}

// Lets waiters of one shard have what is free, in order.
void Limiter::grant(unsigned shard) {
  Queue& queue = *queues_[shard];
  while (!queue.waiters.empty() && take(queue.waiters.front()->units)) {
    Waiter* waiter = queue.waiters.front();
    queue.waiters.pop_front();
    queue.length.fetch_sub(1, std::memory_order_relaxed);
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    waiter->granted.set();
  }
}

void Limiter::wake() {
  for (unsigned i = 0; i < queues_.size(); ++i)
    if (queues_[i]->length.load(std::memory_order_seq_cst) > 0) shards_[i].post([this, i] { grant(i); });
}

}  // namespace fiso::async

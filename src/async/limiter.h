// A capacity that all shards share: guest instances, bytes of guest memory, connections to one host, events in flight.
//
// Taking from it is one atomic operation; no shard owns a fixed part, so an idle shard's share is never stranded. When
// nothing is left the caller waits in a bounded first-in-first-out queue of its own shard. Thread-safe; every wait is
// shard-local.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "async/shard.h"
#include "async/signal.h"
#include "base/result.h"

namespace fiso::async {

class Limiter {
  struct State;

 public:
  // At most `max_waiting` callers wait, over all shards.
  Limiter(ShardSet& shards, uint64_t capacity, size_t max_waiting);
  // Nobody waits, and every permit has been released and its release has returned.
  ~Limiter();
  Limiter(const Limiter&) = delete;

  // Units taken; given back on destruction, on any thread.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)), units_(std::exchange(other.units_, 0)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(limiter_, other.limiter_);
      std::swap(units_, other.units_);
      return *this;
    }
    ~Permit() { release(); }
    explicit operator bool() const { return limiter_ != nullptr; }
    uint64_t units() const { return units_; }
    // Takes over what `more`, of the same limiter, holds.
    void join(Permit more);
    void release();

   private:
    friend class Limiter;
    Permit(State* limiter, uint64_t units) : limiter_(limiter), units_(units) {}
    State* limiter_ = nullptr;
    uint64_t units_ = 0;
  };

  // An empty permit if that much is not left, or if others have been waiting longer.
  Permit try_acquire(uint64_t units = 1);
  // Waits its turn: kOverloaded at once when the queue is full, kTimeout at the deadline. On a shard.
  Task<Result<Permit>> acquire(MonotonicTime deadline, uint64_t units = 1);

  // Called on the shard of whoever has just begun to wait, or was turned away because the queue is full, with the units it
  // wants: somebody may be able to give back some. Set before the first acquire().
  void when_short(std::function<void(uint64_t units)> ask) { state_->when_short = std::move(ask); }

  // For what grows while it is held (guest memory): takes more without waiting, false if it is not left.
  bool take(uint64_t units) { return state_->take(units); }
  void give_back(uint64_t units) { state_->give_back(units); }

  uint64_t in_use() const { return state_->in_use.load(std::memory_order_relaxed); }
  uint64_t capacity() const { return state_->capacity; }
  size_t waiting() const { return state_->waiting.load(std::memory_order_seq_cst); }

 private:
  struct Waiter {
    uint64_t units;
    Signal granted;
  };
  struct alignas(64) Queue {
    std::deque<Waiter*> waiters;  // touched on its shard only
    std::atomic<size_t> length{0};
  };
  // Shared with the grants that are posted to shards and may arrive after the limiter has gone.
  struct State : std::enable_shared_from_this<State> {
    State(ShardSet& all_shards, uint64_t units, size_t most_waiting);
    bool take(uint64_t units);
    void give_back(uint64_t units);
    void wake();
    void grant(unsigned shard);

    ShardSet& shards;
    const uint64_t capacity;
    const size_t max_waiting;
    std::atomic<uint64_t> in_use{0};
    std::atomic<size_t> waiting{0};
    std::vector<std::unique_ptr<Queue>> queues;  // by shard
    std::function<void(uint64_t units)> when_short;
  };

  std::shared_ptr<State> state_;
};

}  // namespace fiso::async

// Counts work in flight and lets its owner wait for the end of it.
//
// Work holds a Pass while it runs; after close() no new pass is given, and what pauses at the gate goes on. Used for drains
// and before an object that spawned coroutines is destroyed. Threading: shard-local.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "async/signal.h"

namespace fiso::async {

class Gate {
 public:
  explicit Gate(Executor executor) : executor_(executor), empty_(executor) {}
  Gate(const Gate&) = delete;
  ~Gate();

  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend class Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_ = nullptr;
  };

  // An empty pass once the gate is closed.
  Pass enter();
  size_t inside() const { return inside_; }
  bool closed() const { return closed_; }

  void close();
  // Waits until the gate is closed; false if the deadline came first. Any number may wait, each with a pass.
  Task<bool> wait_closed(MonotonicTime deadline);
  // Waits until nothing is inside; false if the deadline came first.
  Task<bool> wait_empty(MonotonicTime deadline = kNever);

 private:
  void leave();
  size_t inside_ = 0;
  bool closed_ = false;
  Executor executor_;
  std::vector<Signal*> waiting_;  // for the closing; each is on the frame of who waits
  Signal empty_;
};

}  // namespace fiso::async

// How many connections the process keeps open at a time.
//
// Shared by all servers that are told of it. Thread-safe.
#pragma once

#include <atomic>
#include <cstddef>

namespace fiso::net {

class ConnectionBudget {
 public:
  explicit ConnectionBudget(size_t most) : most_(most) {}
  ConnectionBudget(const ConnectionBudget&) = delete;

  // False if that would be one too many.
  bool take() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < most_) return true;
    give_back();
    return false;
  }
  void give_back() { open_.fetch_sub(1, std::memory_order_relaxed); }

  size_t most() const { return most_; }
  size_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  const size_t most_;
  std::atomic<size_t> open_{0};
};

}  // namespace fiso::net

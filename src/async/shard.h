// A shard: one thread, one event loop, and everything that lives on it.
//
// Every connection, event in flight and pool belongs to one shard from birth to death, so nothing on the hot path is
// locked. Crossing from one shard to another, or from any other thread, is post(), with values.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "async/task.h"
#include "async/watchdog.h"

namespace fiso::async {

class Shard {
 public:
  explicit Shard(unsigned index);
  Shard(const Shard&) = delete;

  unsigned index() const { return index_; }
  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }
  Watchdog& watchdog() { return watchdog_; }

  // Runs `work` on this shard, soon. Thread-safe.
  void post(std::function<void()> work);

  // The shard whose thread this is; must be called on one.
  static Shard& current();

 private:
  friend class ShardSet;
  void run();

  unsigned index_;
  asio::io_context context_;
  Watchdog watchdog_;
};

// All shards of the process and their threads. Owned by the control thread (main, or a test).
class ShardSet {
 public:
  // Throws std::system_error or boost's where there is no thread, or no descriptor for an event loop: a start that cannot go on.
  explicit ShardSet(unsigned count);
  // Stops the loops and joins the threads; what still lives on the shards must have been destroyed before.
  ~ShardSet();
  ShardSet(const ShardSet&) = delete;

  unsigned count() const { return static_cast<unsigned>(shards_.size()); }
  Shard& operator[](unsigned i) { return *shards_[i]; }

  // Runs `work` on every shard and returns when all have run it. Not from a shard.
  void run_on_each(const std::function<void(Shard&)>& work);
  // Runs `work` on one shard and returns when it has run. Not from a shard.
  void run_on(unsigned index, const std::function<void(Shard&)>& work);

  // How many shards suit this machine: the CPU affinity, bounded by the cgroup's CPU quota.
  static unsigned suitable_count();

 private:
  void stop();

  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<asio::executor_work_guard<Executor>> work_;
  std::vector<std::thread> threads_;
};

}  // namespace fiso::async

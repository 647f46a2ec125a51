// A few threads for what may block: files, DNS, fsync. Values in, values out; the caller's shard never waits.
//
// Threads start with the first job; fewer than wanted do, if the system has no more. The queue is bounded: beyond `max_queued`
// jobs run() answers kOverloaded. A job that was taken is finished even if nobody waits for it any more. Thread-safe; destroy it
// after the shards' work has ended.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "async/shard.h"
#include "async/signal.h"
#include "base/result.h"

namespace fiso::async {

class BlockingPool {
 public:
  BlockingPool(unsigned threads, size_t max_queued) : most_threads_(threads), max_queued_(max_queued) {}
  BlockingPool(const BlockingPool&) = delete;
  ~BlockingPool();

  // False when the queue is full, or there is not one thread to be had; otherwise `job` runs on one of the threads.
  bool submit(std::function<void()> job);

  // Waits until no job is queued or running; false if the deadline came first. Blocks.
  bool wait_idle(MonotonicTime deadline);

  // Runs `job` on one of the threads and resumes the caller on its shard with what it returned.
  template <class F>
  auto run(F job) -> Task<Result<std::invoke_result_t<F>>>;

 private:
  bool has_threads();
  void loop();

  const unsigned most_threads_;
  const size_t max_queued_;
  std::mutex mutex_;  // of all below
  std::condition_variable more_, idle_;
  std::deque<std::function<void()>> jobs_;
  size_t under_way_ = 0;  // jobs, queued or running
  std::vector<std::thread> threads_;
  bool ending_ = false;
};

template <class F>
auto BlockingPool::run(F job) -> Task<Result<std::invoke_result_t<F>>> {
  using Value = std::invoke_result_t<F>;
  struct State {
    explicit State(Executor executor) : done(executor) {}
    std::optional<Value> value;
    Signal done;
  };
  Shard& shard = Shard::current();
  auto state = std::make_shared<State>(shard.executor());
  bool queued = submit([state, &shard, job = std::move(job)]() mutable {
    state->value.emplace(job());
    shard.post([state = std::move(state)] { state->done.set(); });
  });
  if (!queued) co_return Error(ErrorCode::kOverloaded, "too many blocking operations are waiting");
  co_await state->done.wait();
  co_return std::move(*state->value);
}

}  // namespace fiso::async

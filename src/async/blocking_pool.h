// A few threads for what may block: files, DNS, fsync. Values in, values out; the caller's shard never waits.
//
// Threads start with the first job. The queue is bounded: beyond `max_queued` jobs run() answers kOverloaded. A job that
// was started is finished even if nobody waits for it any more. Thread-safe; destroy it after the shards' work has ended.
#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "async/shard.h"
#include "async/signal.h"
#include "base/result.h"

namespace fiso::async {

class BlockingPool {
 public:
  BlockingPool(unsigned threads, size_t max_queued) : threads_(threads), max_queued_(max_queued) {}
  ~BlockingPool();

  // False when the queue is full; otherwise `job` runs on one of the threads.
  bool submit(std::function<void()> job);

  // Runs `job` on one of the threads and resumes the caller on its shard with what it returned.
  template <class F>
  auto run(F job) -> Task<Result<std::invoke_result_t<F>>>;

 private:
  unsigned threads_;
  size_t max_queued_;
  std::atomic<size_t> queued_{0};
  std::once_flag started_;
  std::unique_ptr<asio::thread_pool> pool_;
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

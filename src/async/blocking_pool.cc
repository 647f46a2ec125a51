#include "async/blocking_pool.h"

namespace fiso::async {

BlockingPool::~BlockingPool() {
  if (pool_) pool_->join();
}

bool BlockingPool::submit(std::function<void()> job) {
  if (queued_.fetch_add(1, std::memory_order_relaxed) >= max_queued_) {
    queued_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  std::call_once(started_, [this] { pool_ = std::make_unique<asio::thread_pool>(threads_); });
  asio::post(*pool_, [this, job = std::move(job)] {
    job();
    queued_.fetch_sub(1, std::memory_order_relaxed);
  });
  return true;
}

}  // namespace fiso::async

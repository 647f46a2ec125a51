#include "async/blocking_pool.h"

#include <system_error>

namespace fiso::async {

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool BlockingPool::submit(std::function<void()> job) {
  std::lock_guard lock(mutex_);
  if (under_way_ >= max_queued_ || !has_threads()) return false;
  ++under_way_;
  jobs_.push_back(std::move(job));
  more_.notify_one();
  return true;
}

bool BlockingPool::has_threads() {
  if (!threads_.empty()) return true;
  try {
    while (threads_.size() < most_threads_) threads_.emplace_back([this] { loop(); });
  } catch (const std::system_error&) {  // there are as many as there can be
  }
  return !threads_.empty();
}

bool BlockingPool::wait_idle(MonotonicTime deadline) {
  std::unique_lock lock(mutex_);
  return idle_.wait_until(lock, deadline, [this] { return under_way_ == 0; });
}

void BlockingPool::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may take its time to go
    lock.lock();
    if (--under_way_ == 0) idle_.notify_all();
  }
}

}  // namespace fiso::async

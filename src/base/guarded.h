// Data that can only be reached while its lock is held: `guarded.with([](auto& data) { ... })`.
//
// For slow paths that several threads share; the hot path shares nothing but atomics.
#pragma once

#include <mutex>
#include <utility>

namespace fiso {

template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : data_(std::forward<Args>(args)...) {}

  template <class F>
  decltype(auto) with(F&& f) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(data_);
  }

 private:
  std::mutex mutex_;
  T data_;
};

}  // namespace fiso

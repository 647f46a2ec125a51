// A flag that one coroutine may wait for, with a deadline.
//
// Slow paths only (a queue, a parked guest, an answer from another thread): a wait costs a timer. Threading: shard-local;
// another thread sets it by posting to the shard. One waiter at a time.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "async/task.h"
#include "base/clock.h"

namespace fiso::async {

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

class Signal {
 public:
  explicit Signal(Executor executor) : timer_(executor) {}

  // True when set, false when the deadline came first.
  Task<bool> wait(MonotonicTime deadline = kNever);
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }

 private:
  Timer timer_;
  bool set_ = false;
};

// Suspends the caller until `deadline`.
Task<> sleep_until(MonotonicTime deadline);

}  // namespace fiso::async

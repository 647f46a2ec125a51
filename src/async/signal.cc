#include "async/signal.h"

#include <boost/asio/this_coro.hpp>

namespace fiso::async {

Task<bool> Signal::wait(MonotonicTime deadline) {
  if (!set_) {
    timer_.expires_at(deadline);
    co_await timer_.async_wait(kTuple);
  }
  co_return set_;
}

void Signal::set() {
  set_ = true;
  timer_.cancel();
}

Task<> sleep_until(MonotonicTime deadline) {
  Timer timer(co_await asio::this_coro::executor, deadline);
  co_await timer.async_wait(kTuple);
}

}  // namespace fiso::async

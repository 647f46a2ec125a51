#include "async/gate.h"

#include "base/check.h"

namespace fiso::async {

Gate::~Gate() { FISO_CHECK(inside_ == 0, "work outlives its gate"); }

Gate::Pass Gate::enter() {
  if (closed_) return Pass();
  ++inside_;
  return Pass(this);
}

void Gate::leave() {
  FISO_CHECK(inside_ > 0);
  if (--inside_ == 0) empty_.set();
}

void Gate::close() {
  closed_ = true;
  for (Signal* waiter : waiting_) waiter->set();
}

Task<bool> Gate::wait_closed(MonotonicTime deadline) {
  if (closed_) co_return true;
  Signal closed(executor_);
  waiting_.push_back(&closed);
  bool in_time = co_await closed.wait(deadline);
  std::erase(waiting_, &closed);
  co_return in_time;
}

Task<bool> Gate::wait_empty(MonotonicTime deadline) {
  while (inside_ > 0) {
    empty_.reset();
    if (!co_await empty_.wait(deadline)) co_return inside_ == 0;
  }
  co_return true;
}

}  // namespace fiso::async

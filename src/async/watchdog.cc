#include "async/watchdog.h"

#include <algorithm>

#include "base/check.h"

namespace fiso::async {

void Watchdog::Entry::set(MonotonicTime deadline) {
  deadline_ = deadline;
  if (deadline == kNever) return;
  if (!linked_) {
    linked_ = true;
    previous_ = nullptr;
    next_ = watchdog_.first_;
    if (next_ != nullptr) next_->previous_ = this;
    watchdog_.first_ = this;
  }
  if (deadline < watchdog_.next_look_) watchdog_.look_at(deadline);
}

void Watchdog::Entry::unlink() {
  if (!linked_) return;
  if (watchdog_.cursor_ == this) watchdog_.cursor_ = next_;
  if (previous_ != nullptr)
    previous_->next_ = next_;
  else
    watchdog_.first_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  linked_ = false;
}

Watchdog::Entry::~Entry() { unlink(); }

Watchdog::~Watchdog() { FISO_CHECK(first_ == nullptr, "an entry outlives its watchdog"); }

void Watchdog::look_at(MonotonicTime when) {
  MonotonicTime look = std::max(when, std::chrono::steady_clock::now() + kResolution);
  if (look >= next_look_) return;  // or those that are due soon would put it off, one after the other, for ever
  next_look_ = look;
  timer_.expires_at(next_look_);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) sweep();
  });
}

void Watchdog::sweep() {
  MonotonicTime now = std::chrono::steady_clock::now(), earliest = kNever;
  next_look_ = MonotonicTime::min();  // entries that set() themselves meanwhile must not start the timer: we do, below
  for (Entry* entry = first_; entry != nullptr; entry = cursor_) {
    cursor_ = entry->next_;
    if (entry->deadline_ == kNever) {
      entry->unlink();  // disarmed since the last look
    } else if (entry->deadline_ <= now) {
      entry->deadline_ = kNever;
      entry->unlink();
      entry->expired();
    } else {
      earliest = std::min(earliest, entry->deadline_);
    }
  }
  for (Entry* entry = first_; entry != nullptr; entry = entry->next_) earliest = std::min(earliest, entry->deadline_);
  next_look_ = kNever;
  if (earliest != kNever) look_at(earliest);
}

}  // namespace fiso::async

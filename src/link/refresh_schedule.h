// When a secret is asked for again, and how long the last one is sent.
//
// After a success that is when its lease says so; after a failure in a second, and twice as long after each further one, up to a
// minute. A target that does not accept what it was sent ends its use, but at most every ten seconds: one that never accepts
// anything must not make us ask all the time. Not thread-safe.
#pragma once

#include "base/clock.h"
#include "link/secret_source.h"

namespace fiso::link {

class RefreshSchedule {
 public:
  static constexpr std::chrono::seconds kFirstPause{1}, kLongestPause{60}, kRejectionPause{10};

  explicit RefreshSchedule(const Clock& clock = Clock::system()) : clock_(clock), ask_at_(clock.now()) {}

  // Of one attempt. `random`, from [0, 1), spreads the attempts of many processes.
  void succeeded(const Lease& lease);
  void failed(bool last_is_void, double random);
  // There is reason to ask at once, whatever was so far.
  void changed();
  // What was got last is not accepted. False: that was said a moment ago, and changes nothing.
  bool rejected();

  bool is_due() const { return clock_.now() >= ask_at_; }
  bool is_usable() const { return clock_.now() < usable_until_; }
  // When the one or the other will be otherwise.
  MonotonicTime next() const;

 private:
  const Clock& clock_;
  MonotonicTime ask_at_;
  MonotonicTime usable_until_ = MonotonicTime::min();
  MonotonicTime next_rejection_ = MonotonicTime::min();
  int failures_ = 0;  // in a row
};

}  // namespace fiso::link

#include "link/refresh_schedule.h"

#include <algorithm>

namespace fiso::link {

void RefreshSchedule::succeeded(const Lease& lease) {
  MonotonicTime now = clock_.now();
  ask_at_ = now + lease.refresh_after;
  usable_until_ = now + lease.usable_for;
  failures_ = 0;
}

void RefreshSchedule::failed(bool last_is_void, double random) {
  constexpr int kMostDoublings = 6;
  Duration pause = std::min<Duration>(Duration(kFirstPause) * (1 << std::min(failures_++, kMostDoublings)), kLongestPause);
  ask_at_ = clock_.now() + std::chrono::duration_cast<Duration>(pause * (0.8 + 0.4 * random));
  if (last_is_void) usable_until_ = MonotonicTime::min();
}

void RefreshSchedule::changed() {
  ask_at_ = clock_.now();
  failures_ = 0;
}

bool RefreshSchedule::rejected() {
  MonotonicTime now = clock_.now();
  if (now < next_rejection_) return false;
  next_rejection_ = now + kRejectionPause;
  usable_until_ = MonotonicTime::min();
  if (failures_ == 0) ask_at_ = now;
  return true;
}

MonotonicTime RefreshSchedule::next() const { return is_usable() ? std::min(ask_at_, usable_until_) : ask_at_; }

}  // namespace fiso::link

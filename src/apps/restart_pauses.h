// How long a guest that ended is let rest before the next one is started: not at all the first time, then 1, 2, 4 … 300 s; a good
// life starts that anew.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace fiso::apps {

class RestartPauses {
 public:
  // `lived`: how long the guest did, its start included.
  Duration next(Duration lived) {
    if (lived >= kGoodLife) in_row_ = 0;
    int before = in_row_++;
    if (before == 0) return Duration::zero();
    return std::min<Duration>(std::chrono::seconds(1LL << std::min(before - 1, 20)), kLongest);
  }

 private:
  static constexpr std::chrono::seconds kLongest{300};
  static constexpr std::chrono::minutes kGoodLife{10};
  int in_row_ = 0;
};

}  // namespace fiso::apps

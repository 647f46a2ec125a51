// How long a guest that ended is let rest before the next one is started: not at all the first time, then 1, 2, 4 … 300 s; a good
// life starts that anew. Up to a fifth more or less, so that guests which ended together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace fiso::apps {

class RestartPauses {
 public:
  // `lived`: how long the guest did, its start included. `random` from [0, 1).
  Duration next(Duration lived, double random) {
    if (lived >= kGoodLife) in_row_ = 0;
    int before = in_row_++;
    if (before == 0) return Duration::zero();
    Duration pause = std::min<Duration>(std::chrono::seconds(1LL << std::min(before - 1, 20)), kLongest);
    return std::chrono::duration_cast<Duration>(pause * (1 - kSpread + 2 * kSpread * random));
  }

 private:
  static constexpr std::chrono::seconds kLongest{300};
  static constexpr std::chrono::minutes kGoodLife{10};
  static constexpr double kSpread = 0.2;
  int in_row_ = 0;
};

}  // namespace fiso::apps

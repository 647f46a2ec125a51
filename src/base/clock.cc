#include "base/clock.h"

namespace fiso {

const Clock& Clock::system() {
  static const Clock clock;
  return clock;
}

}  // namespace fiso

#include "wasm/pool_share.h"

namespace fiso::wasm {

bool PoolShare::take_place() {
  int64_t free = free_places_.load(std::memory_order_relaxed);
  while (free > 0 && !free_places_.compare_exchange_weak(free, free - 1)) {}
  return free > 0;
}

std::optional<unsigned> PoolShare::find_unused(unsigned but_not_on, MonotonicTime now) const {
  std::optional<unsigned> found;
  MonotonicTime earliest = now - options.patience;
  for (unsigned i = 0; i < locals_.size(); ++i) {
    MonotonicTime since = locals_[i].unused_since.load(std::memory_order_relaxed);
    if (i == but_not_on || since > earliest) continue;
    earliest = since;
    found = i;
  }
  return found;
}

}  // namespace fiso::wasm

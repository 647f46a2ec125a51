#include "wasm/capacity.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace fiso::wasm {

Capacity::Capacity(async::ShardSet& shards, const CapacityOptions& options)
    : instances(shards, options.instances, options.queue),
      memory(shards, options.memory.count != 0 ? options.memory.count : default_total_memory().count, options.queue),
      reserves(shards) {
  instances.when_short([this](uint64_t places) { reserves.make_room({.places = places}); });
  memory.when_short([this](uint64_t bytes) { reserves.make_room({.bytes = bytes}); });
}

Bytes default_total_memory() {
  auto machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t limit = machine;
  // cgroup v2, then v1; "max" does not parse and leaves the machine's memory.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    uint64_t bytes = 0;
    if (std::ifstream(path) >> bytes && bytes > 0) limit = std::min(limit, bytes);
  }
  return Bytes{limit / 2};
}

}  // namespace fiso::wasm

#include "wasm/capacity.h"

#include <unistd.h>

#include <algorithm>

#include "base/cgroup.h"

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
  return Bytes{std::min(machine, read_cgroup_limits().memory_bytes.value_or(machine)) / 2};
}

}  // namespace fiso::wasm

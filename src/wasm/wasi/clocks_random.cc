// Real clocks and real randomness.
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "wasm/wasi/calls.h"

namespace fiso::wasm::wasi::calls {
namespace {

// The kernel needs about 2 ms for so much, which is as long as a guest may hold its shard. More in one call is kInval;
// guests' libraries ask for far less at a time (getentropy: at most 256 bytes).
constexpr uint32_t kMostRandom = 1u << 20;

// Parts of this size keep each system call short, so that signals and preemption find their turn.
constexpr size_t kRandomPart = 64u << 10;

std::optional<uint64_t> time_of(const Clock& clock, uint32_t id) {
  switch (id) {
    case clockid::kRealtime: return static_cast<uint64_t>(clock.wall_now().time_since_epoch().count());
    case clockid::kMonotonic: return static_cast<uint64_t>(Duration(clock.now().time_since_epoch()).count());
    default: return std::nullopt;
  }
}

// Of a clock the host has but guests do not: how much CPU a guest used cannot be told from its neighbours on the shard.
Errno refusal(uint32_t id) { return id <= clockid::kThreadCputime ? Errno::kNotsup : Errno::kInval; }

}  // namespace

Outcome clock_res_get(Guest&, GuestMemory memory, Args args) {
  uint32_t id = args.u32(0);
  timespec resolution;
  if (id > clockid::kMonotonic) return refusal(id);
  clock_getres(id == clockid::kRealtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, &resolution);
  auto nanoseconds = static_cast<uint64_t>(resolution.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(resolution.tv_nsec);
  return memory.write(args.u32(1), nanoseconds) ? Errno::kSuccess : Errno::kFault;
}

// The precision asked for (argument 1) is always met.
Outcome clock_time_get(Guest& guest, GuestMemory memory, Args args) {
  std::optional<uint64_t> time = time_of(guest.clock(), args.u32(0));
  if (!time) return refusal(args.u32(0));
  return memory.write(args.u32(2), *time) ? Errno::kSuccess : Errno::kFault;
}

Outcome random_get(Guest&, GuestMemory memory, Args args) {
  size_t left = args.u32(1);
  uint8_t* to = memory.at(args.u32(0), left);
  if (to == nullptr) return Errno::kFault;
  if (left > kMostRandom) return Errno::kInval;
  while (left != 0) {
    ssize_t got = getrandom(to, std::min(left, kRandomPart), 0);
    if (got < 0 && errno != EINTR) return errno_of_host(errno);
    if (got < 0) continue;
    to += got;
    left -= static_cast<size_t>(got);
  }
  return Errno::kSuccess;
}

}  // namespace fiso::wasm::wasi::calls

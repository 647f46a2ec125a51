// Real clocks and real randomness.
#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "wasm/wasi/calls.h"

namespace fiso::wasm::wasi::calls {
namespace {

// The kernel needs about a millisecond for so much, which is as long as a guest may hold its shard.
constexpr size_t kRandomAtOnce = 512u << 10;

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

Errno fill_with_random(uint8_t* to, size_t length) {
  while (length != 0) {
    ssize_t got = getrandom(to, std::min(length, kRandomPart), 0);
    if (got < 0 && errno != EINTR) return errno_of_host(errno);
    if (got < 0) continue;
    to += got;
    length -= static_cast<size_t>(got);
  }
  return Errno::kSuccess;
}

// More than a guest may hold its shard for: a part at a time, so that others get their turn and a deadline ends it.
class PendingRandom final : public PendingCall {
 public:
  PendingRandom(uint64_t to, uint64_t length) : PendingCall(Kind::kTurns, kNever), to_(to), left_(length) {}

  bool step(Guest&, GuestMemory memory) override {
    uint64_t part = std::min<uint64_t>(left_, kRandomAtOnce);
    uint8_t* bytes = memory.at(to_, part);
    error_ = bytes == nullptr ? Errno::kFault : fill_with_random(bytes, part);
    to_ += part;
    left_ -= part;
    return left_ == 0 || error_ != Errno::kSuccess;
  }
  int32_t finish(Guest&, GuestMemory) override { return static_cast<int32_t>(error_); }

 private:
  uint64_t to_;
  uint64_t left_;
  Errno error_ = Errno::kSuccess;
};

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
  GuestPointer to = args.u32(0);
  uint64_t length = args.u32(1);
  uint8_t* bytes = memory.at(to, length);
  if (bytes == nullptr) return Errno::kFault;
  if (length <= kRandomAtOnce) return fill_with_random(bytes, length);
  return Outcome(std::make_unique<PendingRandom>(to, length));
}

}  // namespace fiso::wasm::wasi::calls

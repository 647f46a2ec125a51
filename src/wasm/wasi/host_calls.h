// The 46 functions of `wasi_snapshot_preview1` as a table that any engine can bind.
//
// A function never traps and never throws: whatever pointers and numbers a guest passes, it gets an errno. Calls run on the
// guest's shard and return at once; what may block comes back as a PendingCall.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "wasm/wasi/guest.h"
#include "wasm/wasi/guest_memory.h"
#include "wasm/wasi/outcome.h"

namespace fiso::wasm::wasi {

// The arguments of one call, in order; an i32 in the low half of its element. Borrowed during the call.
class Args {
 public:
  explicit Args(const uint64_t* values) : values_(values) {}
  uint32_t u32(int i) const { return static_cast<uint32_t>(values_[i]); }
  uint64_t u64(int i) const { return values_[i]; }

 private:
  const uint64_t* values_;
};

// What can make a function answer with a PendingCall.
enum class Waits : uint8_t { kNever, kForSockets, kForFiles, kForInputOrFiles, kAlways };

struct HostFunction {
  std::string_view name;
  std::string_view parameters;  // one letter each: i is an i32, I an i64
  bool returns_errno;           // an i32; proc_exit returns nothing
  Waits waits;
  Outcome (*call)(Guest&, GuestMemory, Args);

  // True if a call may be pending, for guests whose reads may find no input yet (`input`: they are parked, or serve several
  // requests), guests with preopens (`files`), and guests that live on (`lives_on`), which have sockets. A function that never
  // waits can be bound in a faster way.
  constexpr bool may_wait(bool input, bool files, bool lives_on) const {
    switch (waits) {
      case Waits::kNever: return false;
      case Waits::kForSockets: return lives_on;
      case Waits::kForFiles: return files || lives_on;
      case Waits::kForInputOrFiles: return input || files || lives_on;
      case Waits::kAlways: break;
    }
    return true;
  }
};

std::span<const HostFunction> host_functions();

}  // namespace fiso::wasm::wasi

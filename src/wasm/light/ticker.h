// Tells running guests when to look at the clock.
//
// Guest code checks Wasmtime's epoch counter at every loop and call; a bump of it makes every running guest call its epoch
// callback, which compares the time with its own slice and deadline. The ticker bumps only when some shard's guest is due,
// sleeps until then, and parks on a futex when no guest has run for three milliseconds: an idle process does not wake.
//
// Threading: arm() and disarm() are called by the shard whose watch it is, and cost a store; the rest is the ticker's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace fiso::wasm::light {

class Ticker {
 public:
  // `bump` increments the epoch of every engine; called on the ticker's thread.
  Ticker(unsigned shards, std::function<void()> bump);
  ~Ticker();
  Ticker(const Ticker&) = delete;

  // The guest that now runs on `shard` wants to be interrupted at `due` (end of slice or deadline, the earlier).
  void arm(unsigned shard, MonotonicTime due);
  // The guest does not run any more.
  void disarm(unsigned shard);

 private:
  // Nanoseconds of monotonic time at which the running guest is due. Bit 0 set: nobody runs; the rest is kept so that the
  // ticker sees that the shard has been active since its last look.
  struct alignas(64) Watch {
    std::atomic<int64_t> due{1};
    int64_t seen = 0;  // the ticker's own
  };
  void loop();
  // Looks at every watch: bumps if one is due, and returns when to look next; `active` tells whether any guest ran.
  int64_t look(int64_t now, bool& active);
  void park();
  void wake();

  std::vector<std::unique_ptr<Watch>> watches_;
  std::function<void()> bump_;
  std::atomic<int> parked_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fiso::wasm::light

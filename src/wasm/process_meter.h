// What the worker processes of guests use of the machine, in the series of the guests that they work for.
//
// A process is shown with its children, those that have ended and those that live. CPU time never falls: what a process is seen
// to have used is held against what it was seen to have used before, and its end tells the rest. Thread-safe; all of it may
// block.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/guarded.h"
#include "wasm/engine.h"

namespace fiso::wasm {

class ProcessMeter {
 public:
  struct Use {
    Duration cpu{};
    uint64_t resident_bytes = 0;  // pages that processes share count in each
  };
  // Nothing if there is no such process.
  using Read = std::function<std::optional<Use>(pid_t)>;

  // Figures younger than `fresh_for` are not read again, however often they are asked for.
  explicit ProcessMeter(Read read = read_use, Duration fresh_for = std::chrono::milliseconds(100));
  static std::optional<Use> read_use(pid_t process);

  // A process that works for a guest, whose series it moves from now on.
  void add(pid_t process, std::shared_ptr<const GuestSetup> guest);
  // Before its number can be another's: `reap` waits for it, and says what CPU time it has used in all.
  void remove(pid_t process, const std::function<Duration()>& reap);
  // Reads what all of them use now.
  void sample();

 private:
  struct Process {
    std::shared_ptr<const GuestSetup> guest;
    Use seen;
  };
  static void show(Process& process, const Use& use);

  struct State {
    std::map<pid_t, Process> processes;
    MonotonicTime read_at{};
  };
  const Read read_;
  const Duration fresh_for_;
  Guarded<State> state_;
};

}  // namespace fiso::wasm

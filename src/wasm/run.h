// One run of a guest: what it is given, how it can end, and what that means to the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/caller.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/units.h"

namespace fiso::wasm {

namespace wasi {
class StderrSink;
}
class Instance;

// Limits on every run. All of them always hold; none can be switched off.
// What the stack of a guest may be, whichever engine runs it.
inline constexpr Bytes kLeastStack = 64_KiB;
inline constexpr Bytes kMostStack = 16_MiB;
// Arguments, environment, directories and rules of a guest in a worker process, which are one message to it.
inline constexpr Bytes kMostToldAtStart = 192_KiB;
// What Limits::memory may be.
inline constexpr Bytes kLeastMemoryLimit = 64_KiB;
inline constexpr Bytes kMostMemoryLimit = 4_GiB;

struct Limits {
  Duration timeout = std::chrono::seconds(30);
  Bytes memory = 256_MiB;  // linear memory, initial size included
  Bytes output = 10_MiB;   // stdout
};

// Every way a run can end, told apart.
enum class Outcome {
  kOk,          // returned from _start, or exit code 0
  kExit,        // exit code other than 0
  kTrap,        // `detail` says which
  kTimeout,     // stopped at its deadline
  kMemory,      // refused memory over `Limits::memory`, and failed for it
  kExhausted,   // refused memory because all guests together have used up theirs, and failed for it
  kOutput,      // wrote more than `Limits::output`
  kBadStart,    // could not be instantiated; `detail` says why
  kOverloaded,  // no instance was free in time
  kLate,        // stopped, or never begun, because the time of its caller was over before its own
  kAbandoned,   // stopped, or never begun, because its caller has gone
};

// Label value for metrics: "ok", "exit", "trap", …
std::string_view to_string(Outcome outcome);

struct RunResult {
  Outcome outcome = Outcome::kOk;
  uint32_t exit_code = 0;
  std::string detail;   // trap kind or reason; never a guest's own text
  std::string output;   // stdout up to the end; complete only for kOk
  bool died = false;    // what ran it did, or could not be had: that says nothing about the guest
  uint64_t unread = 0;  // bytes of its input that it is known not to have read, if it died or is one that lives on
};

// The error that a run which did not end in kOk amounts to. Its message is safe to show and keeps the documented wording:
// "wasm execution timeout after 30s", "module closed with exit_code(1)".
Error to_error(const RunResult& result, const Limits& limits);

// Of a run that another coroutine of its shard may stop. As long as no run has it, it can be used for another.
class RunHandle {
 public:
  // The run ends as if its time were up: soon, or when it gets its place.
  void stop();
  // By the pool: nothing if the run has been stopped meanwhile.
  bool begin(Instance& instance);
  void end() { instance_ = nullptr; }

 private:
  Instance* instance_ = nullptr;
  bool stopped_ = false;
};

struct RunRequest {
  // The guest's stdin, in order; borrowed until the run completes.
  std::span<const std::string_view> input;
  // Told the guest's finished stderr lines; borrowed likewise.
  wasi::StderrSink* stderr_lines = nullptr;
  // When it is out of time; else that is the guest's timeout after the call.
  std::optional<MonotonicTime> deadline = {};
  // The time of its caller, which its own does not exceed.
  MonotonicTime latest = kNever;
  // By which a run in a pool can be stopped; may be null.
  RunHandle* handle = nullptr;
  // Who waits for a run in a pool, and stops it by leaving; may be null.
  Caller* caller = nullptr;
};

}  // namespace fiso::wasm

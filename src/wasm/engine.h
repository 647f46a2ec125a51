// The engine, seen by the rest of Fiso: Engine compiles, Module is what it compiled, Instance is one guest.
//
// Two engines implement it: the light one (wasm/light) runs guests on the shard that asked for them, in slices, so that a
// slow guest does not stall the shard's other work; the fake one (wasm/testing) is for tests. wasm/testing/engine_contract.h
// is the suite that every engine must pass.
#pragma once

#include <memory>
#include <string>

#include "async/limiter.h"
#include "async/shard.h"
#include "async/task.h"
#include "base/result.h"
#include "observe/metrics.h"
#include "wasm/network_rules.h"
#include "wasm/resident.h"
#include "wasm/run.h"
#include "wasm/wasi/guest_config.h"

namespace fiso::wasm {

// What an instance is made with. Immutable; shared by all instances of one configured guest.
struct GuestSetup {
  Limits limits;
  std::shared_ptr<const wasi::GuestConfig> wasi;
  // Engines that have neither sockets nor threads for guests need not look.
  NetworkRules network = {};
  uint32_t threads = 16;
  // Instances may be parked at their first read of input (execution: pooled).
  bool may_park = false;
  // The module's path as it was configured, for the log.
  std::string module = "";
  // Shows the linear memory of all instances made with this; may be null.
  observe::Gauge* memory_bytes = nullptr;
  // Counts the CPU time of those instances: in this process the time of their slices, elsewhere that of the processes. May be
  // null.
  observe::SecondsCounter* cpu = nullptr;
  // Shows the resident memory of the processes that are made for them; may be null.
  observe::Gauge* resident_bytes = nullptr;
  // Keeps the guest's series, those included, for as long as any of its instances; may be null.
  std::shared_ptr<const observe::SeriesGroup> series = nullptr;
};

// Whether a guest that has read all of its input sees the end of it, or waits for more.
enum class AfterInput { kEnd, kMore };

// One guest: an own memory, its WASI state, one start. Shard-local: it is made, used and destroyed on one shard.
class Instance {
 public:
  // May be called at any time that no run or start is awaited; stops the guest where it is.
  virtual ~Instance() = default;

  // Runs the guest's start-up until it waits for its first input, under the usual limits. kOk means that it waits there;
  // anything else that it never will. For instances made with may_park. `stderr_lines`, which may be null, is told what the
  // guest writes meanwhile, an unfinished line at the end included.
  virtual Task<RunResult> park(wasi::StderrSink* stderr_lines) = 0;

  // Gives the guest its input and runs it until it ends or, with kMore, waits for the next input. The timeout runs from
  // this call. A guest that waits for more without having written whole lines is given the end of its input.
  virtual Task<RunResult> run(const RunRequest& request, AfterInput after) = 0;

  // Ends a park() or run() that is under way as if its time were up: a guest that computes at the end of its slice, one that
  // sleeps or waits for a file at once. Without effect when nothing is under way.
  virtual void stop() = 0;

  // Linear memory that it has now.
  virtual Bytes memory() const = 0;

  // True while the guest waits for input: after park(), or after a run that it survived.
  virtual bool waiting() const = 0;
};

// Compiled code. Immutable and thread-safe.
class Module {
 public:
  virtual ~Module() = default;
  // The module to make this guest's instances from: this one, or one that owns what the engine needs for them, such as a
  // worker process. Blocks; control thread.
  virtual Result<std::shared_ptr<const Module>> prepare(const std::shared_ptr<const GuestSetup>& setup) const = 0;
  // With the setup that it was prepared for.
  virtual std::unique_ptr<Instance> instantiate(async::Shard& shard, std::shared_ptr<const GuestSetup> setup) const = 0;

  // Starts a guest that lives on, from the module as it was loaded. `events` outlives it. An engine that runs none refuses.
  virtual Task<Result<std::unique_ptr<Resident>>> start_resident(async::Shard& shard, std::shared_ptr<const GuestSetup> setup,
                                                                 ResidentEvents& events) const = 0;

  // Linear memory of a fresh instance.
  virtual Bytes initial_memory() const = 0;
  // True if the text `--stdin-file` occurs in the module's data: how `input: auto` finds guests that know the flag.
  virtual bool knows_stdin_file() const = 0;
};

// One per process. Outlives its modules and all their instances.
class Engine {
 public:
  virtual ~Engine() = default;
  // Blocks while it compiles, so it is called on the control thread. The same content is compiled once, whatever the path.
  // kCancelled if the process is told to stop meanwhile. Errors are the operator's to read and name the path ("module path not
  // accessible: PATH").
  virtual Result<std::shared_ptr<const Module>> load(const std::string& path) = 0;
};

}  // namespace fiso::wasm

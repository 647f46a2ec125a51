// One guest of the light engine: a store, a fiber, and the loop that gives the fiber its slices.
//
// Threading: shard-local. Nothing here may touch the store while a future lives, except to poll or delete that future:
// the fiber has it. So deadlines stand in this object, where the epoch callback reads them.
#pragma once

#include <memory>
#include <string>

#include "async/signal.h"
#include "wasm/engine.h"
#include "wasm/light/descriptor_watch.h"
#include "wasm/light/host_functions.h"
#include "wasm/light/light_module.h"
#include "wasm/wasi/guest.h"

namespace fiso::wasm::light {

class LightInstance final : public Instance, private wasi::OutputBudget {
 public:
  LightInstance(async::Shard& shard, std::shared_ptr<const LightModule> module, std::shared_ptr<const GuestSetup> setup);
  ~LightInstance() override;
  LightInstance(const LightInstance&) = delete;

  Task<RunResult> park(wasi::StderrSink* stderr_lines) override;
  Task<RunResult> run(const RunRequest& request, AfterInput after) override;
  void stop() override;
  Bytes memory() const override { return Bytes{memory_}; }
  bool waiting() const override { return phase_ == Phase::kWaiting; }

  // Who keeps a guest that lives on. `waits_for_input` may be called again and again while it does.
  class Keeper : public wasi::LifeSink {
   public:
    virtual void waits_for_input() = 0;

   protected:
    ~Keeper() = default;
  };
  // Runs the guest until it ends or stop(); there is no deadline. Its input is what add_input() brings, up to end_input(); its
  // output goes to the keeper. Instead of park() and run(), once. The keeper and the watch outlive this.
  Task<RunResult> live(Keeper& keeper, DescriptorWatch& watch, std::vector<wasi::HostFileRef> listeners);
  void add_input(std::string text);
  void end_input();

 private:
  enum class Phase { kNew, kInstantiating, kRunning, kWaiting, kEnded };

  // OutputBudget: output counts like linear memory.
  bool take(uint64_t bytes) override;
  void give_back(uint64_t bytes) override;

  void begin();
  void begin_start();
  // Gives slices until the guest ends, waits for input, or is out of time.
  Task<> drive(MonotonicTime time);
  bool waits_for_its_own_timer() const;
  bool has_answered() const;
  // One slice; true when the future is ready.
  bool poll_slice(MonotonicTime now);
  // Waits for what a host function left pending; false when the deadline came first.
  Task<bool> await_pending();
  // The same for input and sockets of a guest that lives on.
  Task<bool> await_ready();
  Task<bool> run_blocking();
  Task<> sleep_until(MonotonicTime time);
  RunResult conclude();
  RunResult conclude_failure();

  void set_memory(uint64_t bytes);
  static bool may_grow(void* self, size_t current, size_t desired);
  static wasmtime_error_t* on_epoch(wasmtime_context_t*, void* self, uint64_t* delta, wasmtime_update_deadline_kind_t* kind);

  async::Shard& shard_;
  std::shared_ptr<const LightModule> module_;
  std::shared_ptr<const GuestSetup> setup_;
  wasi::StderrRelay stderr_;
  HostState host_;
  StoreHandle store_;
  wasmtime_instance_t instance_{};
  wasmtime_func_t start_{};  // the future refers to it, as it does to the two below
  wasm_trap_t* trap_ = nullptr;
  wasmtime_error_t* error_ = nullptr;
  FutureHandle future_;
  Phase phase_ = Phase::kNew;
  MonotonicTime deadline_ = kNever;    // of the current run; kStopped once it is to end
  MonotonicTime due_ = kNever;         // end of the current slice
  async::Signal* wakes_it_ = nullptr;  // set by stop() and by input
  Keeper* keeper_ = nullptr;           // of a guest that lives on
  DescriptorWatch* watch_ = nullptr;   // likewise
  bool in_run_ = false;
  bool timed_out_ = false;
  bool own_memory_refused_ = false;
  bool shared_memory_refused_ = false;
  uint64_t charged_ = 0;  // bytes of Capacity::memory beyond the initial memory
  uint64_t memory_ = 0;   // bytes of linear memory
};

}  // namespace fiso::wasm::light

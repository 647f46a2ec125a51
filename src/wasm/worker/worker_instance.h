// One guest in a child of a fork server, driven over its channels.
//
// The child is told everything it needs by what is written to it; it is stopped by closing its channels, which its fork
// server answers with SIGKILL. Shard-local.
#pragma once

#include <memory>
#include <string>

#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/wasi/stderr_lines.h"
#include "wasm/worker/fork_server.h"
#include "wasm/worker/guest_channel.h"
#include "wasm/worker/guest_ending.h"

namespace fiso::wasm::worker {

class WorkerInstance final : public Instance, private GuestChannel::Listener {
 public:
  // `initial_memory` has been charged to `capacity` by whoever asked for the instance.
  WorkerInstance(async::Shard& shard, Capacity& capacity, std::shared_ptr<ForkServer> server, Bytes initial_memory);
  ~WorkerInstance() override;
  WorkerInstance(const WorkerInstance&) = delete;

  Task<RunResult> park(wasi::StderrSink* stderr_lines) override;
  Task<RunResult> run(const RunRequest& request, AfterInput after) override;
  void stop() override;
  Bytes memory() const override { return Bytes{memory_}; }
  bool waiting() const override { return phase_ == Phase::kWaiting && channel_->has_guest(); }

 private:
  enum class Phase { kNew, kRunning, kWaiting, kEnded };

  void stderr_text(std::string_view text) override { stderr_lines_.write(text); }
  void told(std::span<const std::string_view> words) override;
  bool take_memory(uint64_t bytes);
  void note_growth(uint64_t bytes);
  // Pays for output beyond what is free; false if nothing is left of the memory for all.
  bool pay_for_output();
  void return_output();
  void finish();
  void set_memory(uint64_t bytes);

  Task<Result<>> begin(Waiting waiting);
  // Until it ends, waits for input that it has not got, or is out of time.
  Task<> drive();
  bool has_answered() const;
  void end(GuestEnding ending);
  void end_by_death(std::string_view signal = {});
  void end_by_itself(GuestEnding ending);
  RunResult conclude();

  async::Shard& shard_;
  Capacity& capacity_;
  std::shared_ptr<ForkServer> server_;
  const Bytes initial_memory_;
  wasi::StderrRelay stderr_;
  wasi::StderrLines stderr_lines_;
  std::shared_ptr<GuestChannel> channel_;
  Phase phase_ = Phase::kNew;
  MonotonicTime deadline_ = kNever;
  GuestEnding ending_;
  bool ended_by_itself_ = false;  // all that it wrote can be had
  bool input_ended_ = false;
  uint64_t read_ = 0;          // bytes of input that the guest had read when it last waited
  bool told_waiting_ = false;  // it waited, and nothing was written since
  uint64_t charged_ = 0;       // bytes of Capacity::memory beyond the initial memory
  uint64_t memory_ = 0;
  uint64_t paid_output_ = 0;  // bytes of Capacity::memory for output
  bool under_way_ = false;    // a park() or run() is
  bool stopped_ = false;
};

}  // namespace fiso::wasm::worker

// A guest that lives on, in a worker process of its own.
//
// The process is asked to end over its control socket and killed when this is destroyed. Shard-local.
#pragma once

#include <memory>

#include "async/blocking_pool.h"
#include "async/shard.h"
#include "async/task.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/resident.h"
#include "wasm/worker/guest_channel.h"
#include "wasm/worker/guest_ending.h"
#include "wasm/worker/worker_process.h"

namespace fiso::wasm::worker {

class WorkerResident final : public Resident {
 public:
  struct Parts {
    WorkerHost& host;
    async::BlockingPool& blocking;  // its threads outlive the process
    Capacity& capacity;
    std::shared_ptr<const FileHandle> artifact;
    Bytes initial_memory;
  };
  // Starts the process; completes when it has loaded the module. `events` outlives the resident.
  static Task<Result<std::unique_ptr<Resident>>> start(async::Shard& shard, Parts parts, std::shared_ptr<const GuestSetup> setup,
                                                       ResidentEvents& events);
  ~WorkerResident() override;

  void terminate() override;
  void write(std::string text) override;
  void end_input() override;
  void hush() override;

 private:
  // Shared with the coroutine that reads the channels.
  class Life final : public GuestChannel::Listener {
   public:
    Life(const Parts& parts, std::shared_ptr<const GuestSetup> setup, ResidentEvents& events)
        : parts_(parts), setup_(std::move(setup)), events_(&events) {}
    ~Life() override;

    Task<Result<>> begin(async::Shard& shard);
    // Passes on what comes until the guest has ended or nobody wants to know.
    static Task<> watch(std::shared_ptr<Life> self);
    void close();
    GuestChannel& channel() { return *channel_; }
    const WorkerProcess& process() const { return *process_; }

   private:
    void stderr_text(std::string_view text) override;
    void told(std::span<const std::string_view> words) override;
    bool charge(uint64_t bytes);
    void pass_on_output();

    Parts parts_;
    std::shared_ptr<const GuestSetup> setup_;
    ResidentEvents* events_;  // null once nobody wants to know
    std::shared_ptr<WorkerProcess> process_;
    std::shared_ptr<GuestChannel> channel_;
    std::optional<GuestEnding> ending_;
    uint64_t charged_ = 0;  // bytes of Capacity::memory
  };

  explicit WorkerResident(std::shared_ptr<Life> life) : life_(std::move(life)) {}
  std::shared_ptr<Life> life_;
};

}  // namespace fiso::wasm::worker

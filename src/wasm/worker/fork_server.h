// The fork server of one configured guest: a worker process that has the module loaded and makes a child per run.
//
// A server that has died (its memory ran out, somebody killed it) is started again by the next run that finds it so, off the
// shard, and not more than once a second: runs wait for that. Thread-safe.
#pragma once

#include <memory>
#include <optional>

#include "async/blocking_pool.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/file_handle.h"
#include "base/guarded.h"
#include "wasm/worker/worker_process.h"

namespace fiso::wasm::worker {

// Whether a child tells when it waits for input.
enum class Waiting { kTold, kUntold };

class ForkServer {
 public:
  // Starts it. Blocks; on a thread that outlives the server.
  static Result<std::shared_ptr<ForkServer>> start(WorkerHost& host, async::BlockingPool& blocking, WorkerSetup setup,
                                                   std::shared_ptr<const FileHandle> artifact);
  ~ForkServer();

  // The child's ends of its channels.
  struct ChildEnds {
    int stdio;
    int errors;
    int status;
  };
  // Makes a child. kTimeout if the server is too far behind until `deadline`, kUnavailable if it cannot be started.
  Task<Result<>> run(ChildEnds ends, Waiting waiting, MonotonicTime deadline);

  const GuestSetup& guest() const { return *setup_.guest; }

 private:
  ForkServer(WorkerHost& host, async::BlockingPool& blocking, WorkerSetup setup, std::shared_ptr<const FileHandle> artifact)
      : host_(host), blocking_(blocking), setup_(std::move(setup)), artifact_(std::move(artifact)) {}
  std::shared_ptr<WorkerProcess> current();
  // Nothing if the caller is to restart() what is dead; else when to look for another.
  std::optional<MonotonicTime> claim_restart(const std::shared_ptr<WorkerProcess>& dead);
  // Blocks, without the lock: shards look at the state meanwhile.
  Result<> restart();
  void end_restart(std::shared_ptr<WorkerProcess> process);

  WorkerHost& host_;
  async::BlockingPool& blocking_;
  const WorkerSetup setup_;
  const std::shared_ptr<const FileHandle> artifact_;
  struct State {
    std::shared_ptr<WorkerProcess> process;
    MonotonicTime next_start{};  // not before
    bool is_starting = false;
  };
  Guarded<State> state_;
};

}  // namespace fiso::wasm::worker

// A module of the full engine. What prepare() gives has a fork server of its own, which lives as long as it is used.
#pragma once

#include <memory>

#include "async/blocking_pool.h"
#include "base/file_handle.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/worker/fork_server.h"

namespace fiso::wasm::worker {

class WorkerModule final : public Module {
 public:
  // What all modules of the engine share.
  struct Surroundings {
    WorkerHost& host;
    async::BlockingPool& blocking;
    Capacity& capacity;
  };
  // What is known of the module.
  struct Description {
    std::shared_ptr<const FileHandle> artifact;
    Bytes initial_memory;
    bool knows_stdin_file = false;
  };

  WorkerModule(Surroundings surroundings, Description description, std::shared_ptr<ForkServer> server = nullptr)
      : surroundings_(surroundings), description_(std::move(description)), server_(std::move(server)) {}

  Result<std::shared_ptr<const Module>> prepare(const std::shared_ptr<const GuestSetup>& setup) const override;
  std::unique_ptr<Instance> instantiate(async::Shard& shard, std::shared_ptr<const GuestSetup> setup) const override;
  Task<Result<std::unique_ptr<Resident>>> start_resident(async::Shard& shard, std::shared_ptr<const GuestSetup> setup,
                                                         ResidentEvents& events) const override;
  Bytes initial_memory() const override { return description_.initial_memory; }
  bool knows_stdin_file() const override { return description_.knows_stdin_file; }

 private:
  Surroundings surroundings_;
  Description description_;
  std::shared_ptr<ForkServer> server_;  // of a prepared one
};

}  // namespace fiso::wasm::worker

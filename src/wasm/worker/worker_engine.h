// The full engine: guests run by wasmer-wasix in worker processes, with sockets, threads and a file system.
//
// This process never links Wasmer. Modules are compiled by the worker program in a child, artifacts are kept in the cache
// that the light engine uses too. Threading: load() on the control thread; the engine outlives the shards' work.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "observe/log.h"
#include "wasm/artifacts.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/worker/worker_process.h"

namespace fiso::wasm::worker {

struct WorkerEngineOptions {
  std::string program;  // path of fiso-wasmer-host; find_worker_program()
  CompileLimits compile;
  Bytes stack = 512_KiB;                // of a guest
  StopRequest stop;                     // ends a compile early
  std::shared_ptr<ProcessMeter> meter;  // told of all workers; may be null
  std::string cache_directory = ArtifactCache::default_directory();
  CacheUse cache_use = CacheUse::kWished;
};

// The one that is named, else FISO_WASMER_HOST, else the program beside this one, else the one in ../libexec/fiso. The error
// names them all.
Result<std::string> find_worker_program(const std::string& named = "");

class WorkerEngine final : public Engine {
 public:
  // Asks the worker program what its artifacts depend on, which shows that it runs.
  static Result<std::unique_ptr<WorkerEngine>> make(async::BlockingPool& blocking, Capacity& capacity, observe::Log log,
                                                    WorkerEngineOptions options);

  Result<std::shared_ptr<const Module>> load(const std::string& path) override;

 private:
  WorkerEngine(async::BlockingPool& blocking, Capacity& capacity, observe::Log log, WorkerEngineOptions options,
               std::string fingerprint);

  async::BlockingPool& blocking_;
  Capacity& capacity_;
  WorkerHost host_;
  Artifacts artifacts_;
  std::map<std::string, std::weak_ptr<const Module>> loaded_;  // by cache key
};

}  // namespace fiso::wasm::worker

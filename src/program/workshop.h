// One shard and an engine: what it takes to compile or run a module by hand, outside any server.
//
// The engine's warnings go to stderr. Control thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "async/blocking_pool.h"
#include "async/shard.h"
#include "observe/log.h"
#include "program/run_options.h"
#include "wasm/artifacts.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"

namespace fiso::program {

// What the instances of such a run are made with. Opens its directories.
Result<std::shared_ptr<const wasm::GuestSetup>> make_setup(const ModuleRun& run, wasm::wasi::PassThrough streams);

class Workshop {
 public:
  explicit Workshop(observe::LogLevel level)
      : log_(sink_, level, "fiso"), blocking_(2, 64), capacity_(shards_, {.instances = 4, .queue = 4, .memory = {}}) {}

  // One of the two, before anything else. `slots` is how many instances the light engine has room for.
  Result<> open_light(Bytes max_stack, wasm::CacheUse cache_use, uint32_t slots = 4);
  // The error says where this build has none, and where no worker program is. `worker`: the one that is named; empty: looked for.
  Result<> open_full(wasm::CacheUse cache_use, const std::string& worker = "");

  wasm::Engine& engine() { return *engine_; }
  // Starts a fresh instance, gives it the input up to its end, and waits for its end; with setup->may_park it is started ahead.
  wasm::RunResult run(const wasm::Module& module, std::shared_ptr<const wasm::GuestSetup> setup, std::string_view input);

 private:
  class StderrLog final : public observe::LogSink {
   public:
    void write(std::string_view line) override;
  };

  StderrLog sink_;
  observe::Log log_;
  async::ShardSet shards_{1};
  async::BlockingPool blocking_;
  wasm::Capacity capacity_;
  std::unique_ptr<wasm::Engine> engine_;
};

}  // namespace fiso::program

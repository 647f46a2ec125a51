// What a program has to run guests with: how its engines are made, and of what.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/blocking_pool.h"
#include "async/shard.h"
#include "base/stop_request.h"
#include "observe/log.h"
#include "server/settings.h"
#include "wasm/capacity.h"
#include "wasm/process_meter.h"
#include "wasm/runtimes.h"

namespace fiso::server {

// What engines are made of.
struct EngineParts {
  async::ShardSet& shards;
  async::BlockingPool& blocking;
  wasm::Capacity& capacity;
  observe::Log log;
  const Settings& settings;
  StopRequest stop;                                     // loading a module ends early by it
  std::shared_ptr<wasm::ProcessMeter> meter = nullptr;  // told of worker processes; may be null
  std::string wasmer_host = {};                         // the worker program; empty: it is looked for
};
// Makes the engines that guests run on.
using RuntimesFactory = std::function<Result<std::unique_ptr<wasm::Runtimes>>(const EngineParts&)>;

// The engines of a program.
struct ProgramEngines {
  RuntimesFactory make;
  wasm::FullEngineSupport full;
};

}  // namespace fiso::server

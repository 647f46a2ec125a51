// The light engine: Wasmtime inside this process, a fresh instance per event at the price of microseconds.
//
// Guests run on the shard that asked for them, on a fiber each, in slices of about a millisecond: between two slices the
// shard serves its other connections. A bump of the epoch (Ticker) ends a slice; the deadline is checked at the same place,
// so a guest that loops for ever is stopped like any other. What may block (files) runs on the blocking pool.
//
// Modules are compiled in a child process and kept in the ArtifactCache; this process only ever loads artifacts.
// Threading: load() on the control thread; the engine outlives the shards' work.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/blocking_pool.h"
#include "base/guarded.h"
#include "observe/log.h"
#include "wasm/artifacts.h"
#include "wasm/capacity.h"
#include "wasm/engine.h"
#include "wasm/light/engine_config.h"
#include "wasm/light/ticker.h"

namespace fiso::wasm::light {

class Variant;

struct LightEngineOptions {
  EngineConfig config;
  CompileLimits compile;
  std::string cache_directory = ArtifactCache::default_directory();
  CacheUse cache_use = CacheUse::kWished;
  StopRequest stop;              // ends a compile early
  bool use_pagemap_scan = true;  // false: as on a kernel without it
};

class LightEngine final : public Engine {
 public:
  static Result<std::unique_ptr<LightEngine>> make(async::ShardSet& shards, async::BlockingPool& blocking, Capacity& capacity,
                                                   observe::Log log, LightEngineOptions options = {});
  ~LightEngine() override;

  Result<std::shared_ptr<const Module>> load(const std::string& path) override;

  Ticker& ticker() { return *ticker_; }
  async::BlockingPool& blocking() { return blocking_; }
  Capacity& capacity() { return capacity_; }

 private:
  LightEngine(async::BlockingPool& blocking, Capacity& capacity, observe::Log log, LightEngineOptions options);
  Result<Variant*> variant_for(Bytes initial_memory);
  // How memories of that size are best made clean again.
  EngineConfig config_for(Bytes initial_memory) const;

  async::BlockingPool& blocking_;
  Capacity& capacity_;
  observe::Log log_;
  LightEngineOptions options_;
  Artifacts artifacts_;
  bool pagemap_scan_;
  // One Wasmtime engine per way of cleaning memories: two with PAGEMAP_SCAN, up to four without.
  Guarded<std::vector<std::unique_ptr<Variant>>> variants_;
  std::map<std::string, std::weak_ptr<const Module>> loaded_;  // by cache key
  std::unique_ptr<Ticker> ticker_;
};

// What main() calls when started_to_compile().
int light_compiler_main(char** argv);

}  // namespace fiso::wasm::light

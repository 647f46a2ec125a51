#include "wasm/light/light_engine.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "wasm/light/light_module.h"
#include "wasm/module_file.h"
#include "wasm/module_header.h"

namespace fiso::wasm::light {
namespace {

constexpr Bytes kSmallMemory = 256_KiB;
constexpr Bytes kMostKept = 1_GiB;

ArtifactsOptions artifacts_options(const LightEngineOptions& options) {
  return {.cache_directory = options.cache_directory,
          .limits = options.compile,
          .cache_use = options.cache_use,
          .settings = std::to_string(options.config.stack.count),
          .fingerprint = code_fingerprint(options.config),
          .stop = options.stop};
}

}  // namespace

LightEngine::LightEngine(async::BlockingPool& blocking, Capacity& capacity, observe::Log log, LightEngineOptions options)
    : blocking_(blocking),
      capacity_(capacity),
      log_(std::move(log)),
      options_(std::move(options)),
      artifacts_(artifacts_options(options_), log_),
      pagemap_scan_(options_.use_pagemap_scan && has_pagemap_scan()) {}

LightEngine::~LightEngine() = default;

Result<std::unique_ptr<LightEngine>> LightEngine::make(async::ShardSet& shards, async::BlockingPool& blocking, Capacity& capacity,
                                                       observe::Log log, LightEngineOptions options) {
  std::unique_ptr<LightEngine> engine(new LightEngine(blocking, capacity, std::move(log), std::move(options)));
  if (!engine->pagemap_scan_) {
    uint64_t total = engine->config_for(4_GiB).keep_resident.count * engine->options_.config.slots;
    engine->log_.info("kernel has no pagemap_scan (Linux 6.7): resident memory kept for guests is chosen per module",
                      {{"keep_resident_total", format_bytes(Bytes{total})}});
  }
  engine->ticker_ = std::make_unique<Ticker>(shards.count(), [raw = engine.get()] {
    raw->variants_.with([](auto& variants) {
      for (auto& variant : variants) wasmtime_engine_increment_epoch(variant->engine());
    });
  });
  return engine;
}

// Zeroing a few hundred kilobytes is cheaper than asking the kernel which pages are dirty; for larger memories it is not.
// Without PAGEMAP_SCAN every kept byte is zeroed at each reuse: about as much as the module starts with, in a few steps (each
// is a Wasmtime engine of its own), and at most 1 GiB over all slots.
EngineConfig LightEngine::config_for(Bytes initial_memory) const {
  EngineConfig config = options_.config;
  config.pagemap_scan = pagemap_scan_ && initial_memory > kSmallMemory;
  if (initial_memory <= kSmallMemory) {
    config.keep_resident = std::min(config.keep_resident, kSmallMemory);
  } else if (!pagemap_scan_) {
    uint64_t most = std::min(config.keep_resident.count, std::max(kMostKept.count / config.slots, kSmallMemory.count));
    uint64_t kept = kSmallMemory.count;
    while (kept < most && kept < initial_memory.count) kept *= 4;
    config.keep_resident = Bytes{std::min(kept, most)};
  }
  return config;
}

Result<Variant*> LightEngine::variant_for(Bytes initial_memory) {
  EngineConfig config = config_for(initial_memory);
  return variants_.with([&](auto& variants) -> Result<Variant*> {
    for (auto& variant : variants)
      if (variant->config() == config) return variant.get();
    FISO_TRY(auto made, Variant::make(config));
    variants.push_back(std::move(made));
    return variants.back().get();
  });
}

Result<std::shared_ptr<const Module>> LightEngine::load(const std::string& path) {
  FISO_TRY(ModuleFile file, ModuleFile::open(path));
  std::string key = artifacts_.key(file);
  std::weak_ptr<const Module>& known = loaded_[key];
  if (auto module = known.lock()) return module;
  FISO_TRY(FileHandle artifact, artifacts_.find(path, file, key));
  FISO_TRY(Variant * variant, variant_for(initial_memory_of(file.bytes())));
  auto module = LightModule::make(*this, *variant, artifact, file.knows_stdin_file());
  if (!module.has_value() && module.error().code() == ErrorCode::kInternal) {
    // Intact, and still not for this engine: made on another machine, or by another build.
    FISO_TRY(artifact, artifacts_.compile(path, file, key));
    module = LightModule::make(*this, *variant, artifact, file.knows_stdin_file());
  }
  if (!module.has_value()) return unusable_module(path, module.error().message());
  known = *module;
  return std::shared_ptr<const Module>(*module);
}

int light_compiler_main(char** argv) {
  return compiler_main(argv, [](std::span<const uint8_t> module, const std::string& settings) -> Result<std::vector<uint8_t>> {
    EngineConfig config;
    config.stack = Bytes{std::strtoull(settings.c_str(), nullptr, 10)};
    FISO_TRY(EngineHandle engine, make_compiling_engine(config));
    wasmtime_module_t* handle = nullptr;
    if (wasmtime_error_t* error = wasmtime_module_new(engine.get(), module.data(), module.size(), &handle))
      return Error(ErrorCode::kInvalidConfig, take_message(error));
    ModuleHandle compiled(handle);
    wasm_byte_vec_t artifact;
    if (wasmtime_error_t* error = wasmtime_module_serialize(handle, &artifact))
      return Error(ErrorCode::kInternal, take_message(error));
    std::vector<uint8_t> bytes(artifact.data, artifact.data + artifact.size);
    wasm_byte_vec_delete(&artifact);
    return bytes;
  });
}

}  // namespace fiso::wasm::light

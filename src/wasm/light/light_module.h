// A compiled module of the light engine, linked ahead with each set of host functions an instance may need.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/file_handle.h"
#include "wasm/engine.h"
#include "wasm/light/engine_config.h"
#include "wasm/light/host_functions.h"
#include "wasm/light/wasmtime_handles.h"

namespace fiso::wasm::light {

class LightEngine;

// One Wasmtime engine and its linkers.
class Variant {
 public:
  static Result<std::unique_ptr<Variant>> make(const EngineConfig& config);

  wasm_engine_t* engine() const { return engine_.get(); }
  const wasmtime_linker_t* linker(size_t index) const { return linkers_[index].get(); }
  const EngineConfig& config() const { return config_; }

  static constexpr size_t kLinkers = 5;
  static size_t index_of(WaitingFunctions waiting) {
    return waiting.lives_on ? 4u : (waiting.input ? 1u : 0u) + (waiting.files ? 2u : 0u);
  }

 private:
  EngineHandle engine_;
  std::array<LinkerHandle, kLinkers> linkers_;
  EngineConfig config_;
};

class LightModule final : public Module, public std::enable_shared_from_this<LightModule> {
 public:
  // Errors say what is missing: no _start, an import nobody defines.
  static Result<std::shared_ptr<LightModule>> make(LightEngine& engine, const Variant& variant, const FileHandle& artifact,
                                                   bool knows_stdin_file);

  Result<std::shared_ptr<const Module>> prepare(const std::shared_ptr<const GuestSetup>& setup) const override;
  std::unique_ptr<Instance> instantiate(async::Shard& shard, std::shared_ptr<const GuestSetup> setup) const override;
  Task<Result<std::unique_ptr<Resident>>> start_resident(async::Shard& shard, std::shared_ptr<const GuestSetup> setup,
                                                         ResidentEvents& events) const override;
  Bytes initial_memory() const override { return initial_memory_; }
  bool knows_stdin_file() const override { return knows_stdin_file_; }

  LightEngine& engine() const { return engine_; }
  wasm_engine_t* wasmtime() const { return variant_.engine(); }
  const wasmtime_instance_pre_t* pre(WaitingFunctions waiting) const { return pre_[Variant::index_of(waiting)].get(); }

 private:
  LightModule(LightEngine& engine, const Variant& variant) : engine_(engine), variant_(variant) {}
  Result<> inspect();

  LightEngine& engine_;
  const Variant& variant_;
  ModuleHandle module_;
  std::array<InstancePreHandle, Variant::kLinkers> pre_;
  Bytes initial_memory_;
  bool knows_stdin_file_ = false;
};

}  // namespace fiso::wasm::light

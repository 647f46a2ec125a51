#include "wasm/light/light_module.h"

#include <cstring>
#include <utility>

#include "wasm/light/engine_config.h"
#include "wasm/light/light_engine.h"
#include "wasm/light/light_instance.h"
#include "wasm/light/light_resident.h"

namespace fiso::wasm::light {
namespace {

constexpr uint64_t kPage = 64 << 10;

Error bad_module(std::string why) { return Error(ErrorCode::kInvalidConfig, std::move(why)); }

std::string_view name_of(const wasm_exporttype_t* exported) {
  const wasm_name_t* name = wasm_exporttype_name(exported);
  return {name->data, name->size};
}

bool is_command_start(const wasm_externtype_t* type) {
  const wasm_functype_t* function = wasm_externtype_as_functype_const(type);
  return function != nullptr && wasm_functype_params(function)->size == 0 && wasm_functype_results(function)->size == 0;
}

}  // namespace

Result<std::unique_ptr<Variant>> Variant::make(const EngineConfig& config) {
  auto variant = std::make_unique<Variant>();
  FISO_TRY(variant->engine_, make_running_engine(config));
  variant->config_ = config;
  constexpr WaitingFunctions kAll[kLinkers] = {
      {}, {.input = true}, {.files = true}, {.input = true, .files = true}, {.lives_on = true}};
  for (WaitingFunctions waiting : kAll) {
    LinkerHandle& linker = variant->linkers_[index_of(waiting)];
    linker.reset(wasmtime_linker_new(variant->engine_.get()));
    define_wasi(linker.get(), waiting);
  }
  return variant;
}

Result<std::shared_ptr<LightModule>> LightModule::make(LightEngine& engine, const Variant& variant, const FileHandle& artifact,
                                                       bool knows_stdin_file) {
  std::shared_ptr<LightModule> module(new LightModule(engine, variant));
  module->knows_stdin_file_ = knows_stdin_file;
  wasmtime_module_t* handle = nullptr;
  if (wasmtime_error_t* error = wasmtime_module_deserialize_file(variant.engine(), artifact.proc_path().c_str(), &handle))
    return Error(ErrorCode::kInternal, take_message(error));
  module->module_.reset(handle);
  FISO_TRY_OK(module->inspect());
  for (size_t i = 0; i < Variant::kLinkers; ++i) {
    wasmtime_instance_pre_t* pre = nullptr;
    if (wasmtime_error_t* error = wasmtime_linker_instantiate_pre(variant.linker(i), handle, &pre))
      return bad_module(take_message(error));
    module->pre_[i].reset(pre);
  }
  return module;
}

Result<> LightModule::inspect() {
  wasm_exporttype_vec_t exports;
  wasmtime_module_exports(module_.get(), &exports);
  bool has_start = false, is_command = false, has_memory = false;
  for (size_t i = 0; i < exports.size; ++i) {
    const wasm_externtype_t* type = wasm_exporttype_type(exports.data[i]);
    if (name_of(exports.data[i]) == "_start") {
      has_start = wasm_externtype_kind(type) == WASM_EXTERN_FUNC;
      is_command = has_start && is_command_start(type);
    }
    if (name_of(exports.data[i]) == "memory" && wasm_externtype_kind(type) == WASM_EXTERN_MEMORY) {
      has_memory = true;
      initial_memory_ = Bytes{wasmtime_memorytype_minimum(wasm_externtype_as_memorytype_const(type)) * kPage};
    }
  }
  wasm_exporttype_vec_delete(&exports);
  if (!has_start) return bad_module("it exports no function _start: build it as a WASI command, not as a library");
  if (!is_command) return bad_module("its function _start takes arguments or returns something");
  if (!has_memory) return bad_module("it exports no memory: build it for wasm32-wasip1");
  return {};
}

Result<std::shared_ptr<const Module>> LightModule::prepare(const std::shared_ptr<const GuestSetup>&) const {
  return std::shared_ptr<const Module>(shared_from_this());
}

std::unique_ptr<Instance> LightModule::instantiate(async::Shard& shard, std::shared_ptr<const GuestSetup> setup) const {
  return std::make_unique<LightInstance>(shard, shared_from_this(), std::move(setup));
}

Task<Result<std::unique_ptr<Resident>>> LightModule::start_resident(async::Shard& shard, std::shared_ptr<const GuestSetup> setup,
                                                                    ResidentEvents& events) const {
  co_return co_await LightResident::start(shard, shared_from_this(), std::move(setup), events);
}

}  // namespace fiso::wasm::light

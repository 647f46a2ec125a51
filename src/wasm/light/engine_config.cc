#include "wasm/light/engine_config.h"

#include <string>
#include <utility>

#include "wasm/cpu_features.h"

namespace fiso::wasm::light {
namespace {

constexpr uint64_t kLargestMemory = 4ull << 30;
constexpr uint64_t kHostStack = 512 << 10;

wasm_config_t* common_config(const EngineConfig& config) {
  wasm_config_t* wasm = wasm_config_new();
  wasmtime_config_epoch_interruption_set(wasm, true);
  wasmtime_config_max_wasm_stack_set(wasm, config.stack.count);
  wasmtime_config_async_stack_size_set(wasm, config.stack.count + kHostStack);
  fiso_config_no_backtrace(wasm);
  return wasm;
}

Result<EngineHandle> make_engine(wasm_config_t* wasm) {
  char* text = nullptr;
  EngineHandle engine(fiso_engine_new(wasm, &text));
  if (engine) return engine;
  Error error(ErrorCode::kInternal, "the wasm engine cannot start: " + std::string(text != nullptr ? text : "no reason given"));
  fiso_string_free(text);
  return error;
}

}  // namespace

Result<EngineHandle> make_running_engine(const EngineConfig& config) {
  wasm_config_t* wasm = common_config(config);
  wasmtime_pooling_allocation_config_t* pool = wasmtime_pooling_allocation_config_new();
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, config.slots);
  wasmtime_pooling_allocation_config_total_memories_set(pool, config.slots);
  wasmtime_pooling_allocation_config_total_tables_set(pool, config.slots);
  wasmtime_pooling_allocation_config_total_stacks_set(pool, config.slots);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, kLargestMemory);
  wasmtime_pooling_allocation_config_table_elements_set(pool, 100'000);
  wasmtime_pooling_allocation_config_max_core_instance_size_set(pool, 4 << 20);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool, config.keep_resident.count);
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, 64 << 10);
  if (config.pagemap_scan) fiso_pooling_pagemap_scan(pool);
  wasmtime_pooling_allocation_strategy_set(wasm, pool);
  wasmtime_pooling_allocation_config_delete(pool);
  return make_engine(wasm);
}

Result<EngineHandle> make_compiling_engine(const EngineConfig& config) { return make_engine(common_config(config)); }

bool has_pagemap_scan() {
  wasmtime_pooling_allocation_config_t* pool = wasmtime_pooling_allocation_config_new();
  bool available = fiso_pooling_pagemap_scan(pool);
  wasmtime_pooling_allocation_config_delete(pool);
  return available;
}

std::string code_fingerprint(const EngineConfig& config) {
  std::string text = "wasmtime 48.0.8; epoch; stack " + std::to_string(config.stack.count) + "; ";
  return text + cpu_features();
}

}  // namespace fiso::wasm::light

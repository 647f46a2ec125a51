// Owners for Wasmtime's C handles, and the functions that native/light-engine adds to its C API.
#pragma once

#include <wasmtime.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/ascii.h"

extern "C" {
// Takes `config`; NULL and a message (for fiso_string_free) where it cannot be used.
wasm_engine_t* fiso_engine_new(wasm_config_t* config, char** error);
void fiso_string_free(char* text);
void fiso_config_no_backtrace(wasm_config_t* config);
bool fiso_pooling_pagemap_scan(wasmtime_pooling_allocation_config_t* config);
void fiso_store_limiter(wasmtime_store_t* store, void* env, bool (*may_grow)(void* env, size_t current, size_t desired),
                        size_t table_elements);
}

namespace fiso::wasm::light {

template <auto Delete>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Delete(handle);
  }
};

using EngineHandle = std::unique_ptr<wasm_engine_t, Deleter<wasm_engine_delete>>;
using ModuleHandle = std::unique_ptr<wasmtime_module_t, Deleter<wasmtime_module_delete>>;
using LinkerHandle = std::unique_ptr<wasmtime_linker_t, Deleter<wasmtime_linker_delete>>;
using InstancePreHandle = std::unique_ptr<wasmtime_instance_pre_t, Deleter<wasmtime_instance_pre_delete>>;
using StoreHandle = std::unique_ptr<wasmtime_store_t, Deleter<wasmtime_store_delete>>;
using FutureHandle = std::unique_ptr<wasmtime_call_future_t, Deleter<wasmtime_call_future_delete>>;

// Takes the error and returns its first line.
inline std::string take_message(wasmtime_error_t* error) {
  wasm_byte_vec_t bytes;
  wasmtime_error_message(error, &bytes);
  wasmtime_error_delete(error);
  std::string text(bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  // The causes follow line by line; the last one is the root.
  if (size_t root = text.rfind("\n    "); root != std::string::npos) {
    std::string_view cause = std::string_view(text).substr(root + 5);
    if (size_t colon = cause.find(": "); colon != std::string_view::npos && colon < 3) cause.remove_prefix(colon + 2);
    return std::string(trim(cause));
  }
  return std::string(trim(text));
}

}  // namespace fiso::wasm::light

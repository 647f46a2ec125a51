// The wasm interceptor as targets of fiso-link have it: `phase` says whether it sees requests or answers.
#pragma once

#include "components/interceptors/wasm/wasm_interceptor.h"

namespace fiso::interceptors {

struct TargetWasm {
  static constexpr std::string_view kType = WasmInterceptor::kType;
  using Config = WasmInterceptor::Config;
  static config::Spec<Config> spec() { return WasmInterceptor::target_spec(); }
  static void check(const Config& config, const core::Resources& resources, config::Report& report) {
    WasmInterceptor::check(config, resources, report);
  }
  static Result<> compile(const Config& config, const core::Resources& resources) {
    return WasmInterceptor::compile(config, resources);
  }
  static core::Prepared<core::Interceptor> prepare(const Config& config, core::BuildContext& context) {
    return WasmInterceptor::prepare(config, context);
  }
};

}  // namespace fiso::interceptors

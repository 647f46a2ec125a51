#include "program/engines.h"

#include <utility>

#include "wasm/light/light_engine.h"
#ifdef FISO_HAS_WASMER
#include "wasm/worker/worker_engine.h"
#endif

namespace fiso::program {
namespace {

Result<std::unique_ptr<wasm::Engine>> make_light(const server::EngineParts& parts) {
  wasm::light::LightEngineOptions options;
  options.config.slots = static_cast<uint32_t>(parts.settings.wasm.max_instances);
  options.config.stack = parts.settings.wasm.max_stack;
  options.compile = parts.settings.wasm.compile;
  options.stop = parts.stop;
  FISO_TRY(auto engine,
           wasm::light::LightEngine::make(parts.shards, parts.blocking, parts.capacity, parts.log, std::move(options)));
  return std::unique_ptr<wasm::Engine>(std::move(engine));
}

#ifdef FISO_HAS_WASMER
Result<std::unique_ptr<wasm::Engine>> make_full(const server::EngineParts& parts) {
  wasm::worker::WorkerEngineOptions options;
  FISO_TRY(options.program, wasm::worker::find_worker_program());
  options.compile = parts.settings.wasm.compile;
  options.stop = parts.stop;
  FISO_TRY(auto engine, wasm::worker::WorkerEngine::make(parts.blocking, parts.capacity, parts.log, std::move(options)));
  return std::unique_ptr<wasm::Engine>(std::move(engine));
}
#else
Result<std::unique_ptr<wasm::Engine>> make_full(const server::EngineParts&) {
  return Error(ErrorCode::kInvalidConfig, "runtime \"wasmer\" is not in this build: build with the CMake option FISO_WASMER=ON");
}
#endif

}  // namespace

server::RuntimesFactory light_runtimes(std::string program_with_wasmer) {
  return [program = std::move(program_with_wasmer)](const server::EngineParts& parts) -> Result<std::unique_ptr<wasm::Runtimes>> {
    FISO_TRY(auto light, make_light(parts));
    auto refuse = [program]() -> Result<std::unique_ptr<wasm::Engine>> {
      return Error(ErrorCode::kInvalidConfig, "runtime \"wasmer\" is not in this program: use " + program);
    };
    return std::make_unique<wasm::Runtimes>(std::move(light), refuse);
  };
}

server::RuntimesFactory all_runtimes() {
  return [](const server::EngineParts& parts) -> Result<std::unique_ptr<wasm::Runtimes>> {
    FISO_TRY(auto light, make_light(parts));
    return std::make_unique<wasm::Runtimes>(std::move(light), [parts] { return make_full(parts); });
  };
}

}  // namespace fiso::program

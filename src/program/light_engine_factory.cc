#include "program/light_engine_factory.h"

#include <utility>

#include "wasm/light/light_engine.h"

namespace fiso::program {

Result<std::unique_ptr<wasm::Engine>> make_light_engine(const server::EngineParts& parts) {
  wasm::light::LightEngineOptions options;
  options.config.slots = static_cast<uint32_t>(parts.settings.wasm.max_instances);
  options.config.stack = parts.settings.wasm.max_stack;
  options.compile = parts.settings.wasm.compile;
  options.stop = parts.stop;
  FISO_TRY(auto engine,
           wasm::light::LightEngine::make(parts.shards, parts.blocking, parts.capacity, parts.log, std::move(options)));
  return std::unique_ptr<wasm::Engine>(std::move(engine));
}

}  // namespace fiso::program

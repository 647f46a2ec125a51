#include "program/program.h"

#include "server/cli.h"
#include "wasm/light/light_engine.h"

namespace fiso::program {
namespace {

Result<std::unique_ptr<wasm::Engine>> make_light_engine(const server::EngineParts& parts) {
  wasm::light::LightEngineOptions options;
  options.config.slots = static_cast<uint32_t>(parts.settings.wasm.max_instances);
  options.config.stack = parts.settings.wasm.max_stack;
  options.compile = parts.settings.wasm.compile;
  FISO_TRY(auto engine, wasm::light::LightEngine::make(parts.shards, parts.blocking, parts.capacity, parts.log, std::move(options)));
  return std::unique_ptr<wasm::Engine>(std::move(engine));
}

}  // namespace

int flow_program(int argc, char** argv, const std::string& name) {
  if (wasm::started_to_compile(argc, argv)) return wasm::light::light_compiler_main(argv);
  return server::flow_main(argc, argv, name, make_light_engine);
}

}  // namespace fiso::program

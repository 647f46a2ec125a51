#include "program/engines.h"

#include <utility>

#include "wasm/light/light_engine.h"
#include "wasm/worker/worker_engine.h"

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

Result<std::unique_ptr<wasm::Engine>> make_full(const server::EngineParts& parts) {
  wasm::worker::WorkerEngineOptions options;
  FISO_TRY(options.program, wasm::worker::find_worker_program(parts.wasmer_host));
  options.compile = parts.settings.wasm.compile;
  options.stack = parts.settings.wasm.max_stack;
  options.stop = parts.stop;
  options.meter = parts.meter;
  FISO_TRY(auto engine, wasm::worker::WorkerEngine::make(parts.blocking, parts.capacity, parts.log, std::move(options)));
  return std::unique_ptr<wasm::Engine>(std::move(engine));
}

constexpr char kNotInThisBuild[] = "runtime \"wasmer\" is not in this build: build with the CMake option FISO_WASMER=ON";
constexpr char kNotInThisProgram[] = "runtime \"wasmer\" is not in this program: use ";

// A build without it has no such program either.
std::string why_not_here(const std::string& program_with_wasmer) {
  return FISO_HAS_WASMER != 0 ? kNotInThisProgram + program_with_wasmer
                              : kNotInThisBuild + std::string(", and use ") + program_with_wasmer;
}

server::ProgramEngines engines(std::string why_no_wasmer) {
  auto make = [why_no_wasmer](const server::EngineParts& parts) -> Result<std::unique_ptr<wasm::Runtimes>> {
    FISO_TRY(auto light, make_light(parts));
    return std::make_unique<wasm::Runtimes>(std::move(light), [parts, why_no_wasmer]() -> Result<std::unique_ptr<wasm::Engine>> {
      if (!why_no_wasmer.empty()) return Error(ErrorCode::kInvalidConfig, why_no_wasmer);
      return make_full(parts);
    });
  };
  return {.make = make, .full = {.why_not = std::move(why_no_wasmer)}};
}

}  // namespace

server::ProgramEngines light_engine(const std::string& program_with_wasmer) { return engines(why_not_here(program_with_wasmer)); }

server::ProgramEngines all_engines() { return engines(FISO_HAS_WASMER != 0 ? "" : kNotInThisBuild); }

}  // namespace fiso::program

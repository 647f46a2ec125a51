#include "program/workshop.h"

#include <cstdio>
#include <filesystem>
#include <future>
#include <span>
#include <utility>

#include "async/spawn.h"
#include "program/engines.h"
#include "wasm/light/light_engine.h"
#include "wasm/worker/worker_engine.h"

namespace fiso::program {
namespace {

struct GuestCall {
  const wasm::Module& module;
  std::shared_ptr<const wasm::GuestSetup> setup;
  std::string_view input;
  std::promise<wasm::RunResult> done;
};

Task<> call_guest(async::Shard& shard, GuestCall& call) {
  auto instance = call.module.instantiate(shard, call.setup);
  wasm::RunResult result;
  if (call.setup->may_park) result = co_await instance->park(nullptr);
  wasm::RunRequest request{.input = std::span(&call.input, 1)};
  bool ready = !call.setup->may_park || instance->waiting();
  if (ready) result = co_await instance->run(request, wasm::AfterInput::kEnd);
  instance.reset();
  call.done.set_value(std::move(result));
}

}  // namespace

Result<std::shared_ptr<const wasm::GuestSetup>> make_setup(const ModuleRun& run, wasm::wasi::PassThrough streams) {
  auto setup = std::make_shared<wasm::GuestSetup>();
  setup->limits = run.limits;
  setup->may_park = run.pooled;
  setup->module = run.file;
  wasm::wasi::GuestOptions options;
  options.args = {std::filesystem::path(run.file).filename().string()};
  options.args.insert(options.args.end(), run.arguments.begin(), run.arguments.end());
  options.env = run.env;
  options.preopens = run.preopens;
  options.pass_through = streams;
  FISO_TRY(setup->wasi, wasm::wasi::GuestConfig::open(std::move(options)));
  return std::shared_ptr<const wasm::GuestSetup>(std::move(setup));
}

void Workshop::StderrLog::write(std::string_view line) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

Result<> Workshop::open_light(Bytes max_stack, wasm::CacheUse cache_use, uint32_t slots) {
  wasm::light::LightEngineOptions options;
  options.cache_use = cache_use;
  options.config.slots = slots;
  options.config.stack = max_stack;
  FISO_TRY(engine_, wasm::light::LightEngine::make(shards_, blocking_, capacity_, log_, std::move(options)));
  return {};
}

Result<> Workshop::open_full(wasm::CacheUse cache_use, const std::string& worker) {
  if (std::string why_not = all_engines().full.why_not; !why_not.empty()) return Error(ErrorCode::kInvalidConfig, why_not);
  wasm::worker::WorkerEngineOptions options;
  FISO_TRY(options.program, wasm::worker::find_worker_program(worker));
  options.cache_use = cache_use;
  FISO_TRY(engine_, wasm::worker::WorkerEngine::make(blocking_, capacity_, log_, std::move(options)));
  return {};
}

wasm::RunResult Workshop::run(const wasm::Module& module, std::shared_ptr<const wasm::GuestSetup> setup, std::string_view input) {
  GuestCall call{module, std::move(setup), input, {}};
  auto done = call.done.get_future();
  shards_[0].post([&] { async::spawn(shards_[0], call_guest(shards_[0], call)); });
  return done.get();
}

}  // namespace fiso::program

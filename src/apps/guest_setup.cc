#include "apps/guest_setup.h"

#include <filesystem>
#include <utility>

#include "components/guest_preopens.h"
#include "wasm/runtimes.h"

namespace fiso::apps {
namespace {

bool wants_stdin_file(const AppConfig& config, const wasm::Module& module) {
  if (config.input == Input::kAuto) return config.args.empty() && module.knows_stdin_file();
  return config.input == Input::kStdinFile;
}

wasm::wasi::GuestOptions guest_options(const AppConfig& config, uint16_t port, bool stdin_file) {
  wasm::wasi::GuestOptions options;
  options.args = {std::filesystem::path(config.module).filename().string()};
  options.args.insert(options.args.end(), config.args.begin(), config.args.end());
  options.stdin_file = stdin_file;
  if (stdin_file) options.args.insert(options.args.end(), {"--stdin-file", std::string(wasm::wasi::kInputFilePath)});
  for (const auto& [name, value] : config.env)
    if (name != "PORT") options.env.emplace_back(name, value.reveal());
  options.env.emplace_back("PORT", std::to_string(port));
  options.preopens = to_preopens(config.preopens);
  return options;
}

Result<> check_memory(const AppConfig& config, const wasm::Module& module) {
  if (module.initial_memory() <= Bytes{static_cast<uint64_t>(config.memory_mb) << 20}) return {};
  return Error(ErrorCode::kInvalidConfig, "the module needs " + format_bytes(module.initial_memory()) +
                                              " of memory, memoryMB is " + std::to_string(config.memory_mb))
      .with_context("module " + config.module);
}

}  // namespace

Result<> compile_app(const AppConfig& config, const core::Resources& resources) {
  FISO_TRY(wasm::Engine * engine, resources.get<wasm::Runtimes>().find(config.runtime));
  FISO_TRY(auto module, engine->load(config.module));
  return check_memory(config, *module);
}

Result<std::shared_ptr<wasm::GuestSetup>> make_guest_setup(const AppConfig& config, const GuestPlace& place,
                                                           const wasm::Module& module) {
  auto setup = std::make_shared<wasm::GuestSetup>();
  setup->limits.timeout = config.timeout;
  setup->limits.memory = Bytes{static_cast<uint64_t>(config.memory_mb) << 20};
  setup->may_park = config.execution == Execution::kPooled;
  setup->network = place.network;
  setup->threads = static_cast<uint32_t>(config.threads);
  setup->module = config.module;
  setup->series = place.series;
  if (place.use != nullptr) place.use->measure(*setup);
  FISO_TRY_OK(check_memory(config, module));
  auto wasi = wasm::wasi::GuestConfig::open(guest_options(config, place.port, wants_stdin_file(config, module)));
  if (!wasi.has_value()) return wasi.take_error().with_context("module " + config.module);
  setup->wasi = std::move(*wasi);
  return setup;
}

}  // namespace fiso::apps

// What a wasm interceptor's configuration may say, and what becomes of it.
#include <filesystem>
#include <utility>

#include "components/guest_checks.h"
#include "components/guest_environment.h"
#include "components/guest_preopens.h"
#include "components/guest_words.h"
#include "components/interceptors/wasm/module_label.h"
#include "components/interceptors/wasm/wasm_interceptor.h"
#include "components/process_network.h"

namespace fiso::interceptors {
namespace {

using Config = WasmInterceptor::Config;

// In the words of the contract.
Error runtime_error(Error error, const std::string& module) {
  return std::move(error).with_context("wasm runtime for " + module);
}

class WasmPlan final : public core::Plan<core::Interceptor> {
 public:
  WasmPlan(WasmInterceptor::Shared shared, wasm::Capacity& capacity) : shared_(std::move(shared)), capacity_(capacity) {}
  std::unique_ptr<core::Interceptor> make(async::Shard& shard) const override {
    return std::make_unique<WasmInterceptor>(shard, capacity_, shared_);
  }
  Result<bool> warm() const override {
    bool warm = shared_.pool->warm();  // before the failure, which comes before it
    auto failure = shared_.pool->start_failure();
    if (!failure.has_value()) return warm;
    return runtime_error(wasm::to_error(*failure, shared_.pool->setup->limits).with_context("start ahead"), shared_.module);
  }

 private:
  WasmInterceptor::Shared shared_;
  wasm::Capacity& capacity_;
};

Result<> check_memory(const Config& config, const wasm::Module& module, const wasm::Capacity& capacity) {
  std::string needs = "the module needs " + format_bytes(module.initial_memory()) + " of memory, ";
  if (module.initial_memory() > config.memory_limit)
    return Error(ErrorCode::kInvalidConfig, needs + std::string(config.memory_key) + " is " + format_bytes(config.memory_limit));
  if (module.initial_memory().count > capacity.memory.capacity())
    return Error(ErrorCode::kInvalidConfig, needs + "wasm.totalMemory is " + format_bytes(Bytes{capacity.memory.capacity()}));
  return {};
}

Result<std::shared_ptr<const wasm::Module>> load_module(const Config& config, const core::Resources& resources) {
  FISO_TRY(wasm::Engine * engine, resources.get<wasm::Runtimes>().find(config.runtime));
  auto module = engine->load(config.module);
  if (!module.has_value()) return runtime_error(module.take_error().with_context("compile wasm module"), config.module);
  if (auto fits = check_memory(config, **module, resources.get<wasm::Capacity>()); !fits.has_value())
    return runtime_error(fits.take_error().with_context("compile wasm module"), config.module);
  return module;
}

// `input: auto` hands the input over as a file too only where the guest asks for it and nobody has set its arguments.
bool wants_stdin_file(const Config& config, const wasm::Module& module) {
  if (config.input == WasmInterceptor::Input::kAuto) return config.args.empty() && module.knows_stdin_file();
  return config.input == WasmInterceptor::Input::kStdinFile;
}

Result<std::shared_ptr<const wasm::GuestSetup>> make_setup(const Config& config, const wasm::Module& module,
                                                           const core::Resources& resources,
                                                           std::shared_ptr<const observe::SeriesGroup> series) {
  auto setup = std::make_shared<wasm::GuestSetup>();
  setup->memory_bytes = &series->gauge("fiso_wasm_module_memory_bytes", "Linear memory of a module's instances.");
  setup->series = std::move(series);
  setup->limits = {.timeout = config.timeout, .memory = config.memory_limit, .output = config.max_output};
  setup->may_park = config.execution == wasm::Execution::kPooled;
  setup->network = resources.get<ProcessNetwork>().rules_of(config.network);
  setup->threads = static_cast<uint32_t>(config.threads);
  setup->module = config.module;
  wasm::wasi::GuestOptions options;
  options.args = {std::filesystem::path(config.module).filename().string()};
  options.args.insert(options.args.end(), config.args.begin(), config.args.end());
  options.stdin_file = wants_stdin_file(config, module);
  if (options.stdin_file) options.args.insert(options.args.end(), {"--stdin-file", std::string(wasm::wasi::kInputFilePath)});
  for (const auto& [name, value] : config.env) options.env.emplace_back(name, value.reveal());
  options.preopens = to_preopens(config.preopens);
  options.limits.output = config.max_output;
  FISO_TRY(setup->wasi, wasm::wasi::GuestConfig::open(std::move(options)));
  return std::shared_ptr<const wasm::GuestSetup>(std::move(setup));
}

int64_t pool_of(const Config& config) { return config.execution == wasm::Execution::kPooled ? config.pool_size : 0; }

config::Rules<Duration> timeout_rules() {
  config::Rules<Duration> rules;
  rules.min = std::chrono::milliseconds(1);
  rules.max = std::chrono::hours(1);
  return rules;
}

// All keys but `phase`.
config::Spec<Config> guest_spec(std::string summary) {
  using config::Refused;
  using Input = WasmInterceptor::Input;
  return config::Spec<Config>("wasm", std::move(summary))
      .required("module", &Config::module, "Path of the module: a WASI preview 1 command.",
                {.missing = "{path} is required for wasm interceptor"})
      .choice("runtime", &Config::runtime,
              "The engine: `wazero` inside this process, or `wasmer` in worker processes, with sockets and threads "
              "(fiso-flow-wasmer).",
              {{"wazero", wasm::Runtime::kLight}, {"wasmtime", wasm::Runtime::kLight}, {"wasmer", wasm::Runtime::kFull}},
              {.invalid = "{path} must be 'wazero' or 'wasmer', got \"{value}\""})
      .choice("execution", &Config::execution, "A fresh instance per event, or one that was started ahead.",
              {{"perRequest", wasm::Execution::kPerRequest}, {"pooled", wasm::Execution::kPooled}},
              {.refused = {Refused{"longRunning", "longRunning is for apps; an interceptor is perRequest or pooled"}},
               .invalid = "{path} must be 'perRequest', 'longRunning', or 'pooled', got \"{value}\""})
      .field("poolSize", &Config::pool_size, "`pooled`: instances that stand ready, over all shards.",
             config::between<int64_t>(1, 1000))
      .field("maxRequests", &Config::max_requests, "`pooled`: events one instance may serve, if it loops over its input.",
             config::between<int64_t>(1, 1'000'000))
      .choice("input", &Config::input,
              "How the guest gets its input. `auto`: on stdin, and as a file where the guest knows --stdin-file.",
              {{"auto", Input::kAuto}, {"stdin", Input::kStdin}, {"stdin-file", Input::kStdinFile}})
      .field("args", &Config::args, "Arguments after the program's name.")
      .field("env", &Config::env, "Environment; the host's is never passed on.")
      .field("preopens", &Config::preopens, "Directories, `/guest: /host`, with :ro behind the host's for read-only.")
      .field("timeout", &Config::timeout, "When the guest is stopped.", timeout_rules())
      .field("memoryLimit", &Config::memory_limit, "Linear memory of one instance.",
             config::between(wasm::kLeastMemoryLimit, wasm::kMostMemoryLimit))
      .field("maxOutput", &Config::max_output,
             "Output of one run. Beyond 64KiB it counts towards wasm.totalMemory while the guest runs.",
             config::between<Bytes>(1_KiB, 1_GiB))
      .field("network", &Config::network, guest_network_spec(), "`runtime: wasmer`: where the guest may connect to.")
      .field("threads", &Config::threads, "`runtime: wasmer`: threads of one instance.", config::between<int64_t>(1, 190))
      .field("failOpen", &Config::fail_open, "Let an event pass unchanged when the guest fails.")
      .check({"runtime"},
             [](const Config& config, config::Report& report) {
               if (config.runtime == wasm::Runtime::kFull) return;
               for (std::string_view key : {"network", "threads"})
                 if (report.has(key)) report.error(key, "{path} has an effect with `runtime: wasmer` only");
             })
      .check({"preopens"}, [](const Config& config, config::Report& report) { check_preopen_names(config.preopens, report); })
      .check({"env"}, [](const Config& config, config::Report& report) { check_environment(config.env, report); })
      .check({"execution"}, [](const Config& config, config::Report& report) {
        if (config.execution == wasm::Execution::kPooled) return;
        for (std::string_view key : {"poolSize", "maxRequests"})
          if (report.has(key)) report.error(key, "{path} has an effect with `execution: pooled` only");
      });
}

}  // namespace

config::Spec<Config> WasmInterceptor::spec() {
  return guest_spec("Runs each event through a WebAssembly guest.")
      .unsupported("phase", "a phase is for targets of fiso-link; events of a flow go one way");
}

config::Spec<Config> WasmInterceptor::target_spec() {
  using Direction = core::CallFacts::Direction;
  return guest_spec("Runs requests, or answers, through a WebAssembly guest.")
      .choice("phase", &Config::phase, "`outbound`: requests on their way to the target. `inbound`: its answers.",
              {{"outbound", Direction::kOutbound}, {"inbound", Direction::kInbound}});
}

void WasmInterceptor::check(const Config& config, const core::Resources& resources, config::Report& report) {
  const auto* full = resources.find<wasm::FullEngineSupport>();
  if (config.runtime == wasm::Runtime::kFull && full != nullptr && !full->why_not.empty()) report.error("runtime", full->why_not);
  GuestClaims claims{.module = config.module,
                     .preopens = config.preopens,
                     .pool_size = pool_of(config),
                     .memory = config.memory_limit,
                     .memory_key = config.memory_key};
  check_guest(claims, report);
  if (config.runtime == wasm::Runtime::kFull)
    check_guest_words({.args = config.args, .env = config.env, .preopens = config.preopens, .network = config.network}, report);
  if (const auto* network = resources.find<ProcessNetwork>(); network != nullptr)
    if (auto complaint = network->bad_dns(config.network)) report.error("network.dns", "{path} " + *complaint);
  if (const auto* all = resources.find<wasm::CapacityOptions>(); all != nullptr) check_against_capacity(claims, *all, report);
}

Result<> WasmInterceptor::compile(const Config& config, const core::Resources& resources) {
  FISO_TRY_OK(load_module(config, resources));
  return {};
}

core::Prepared<core::Interceptor> WasmInterceptor::prepare(const Config& config, core::BuildContext& context) {
  auto& capacity = context.resources.get<wasm::Capacity>();
  if (auto complaint = bad_pool_size(pool_of(config), capacity.instances.capacity()))
    return Error(ErrorCode::kInvalidConfig, std::move(*complaint));
  FISO_TRY(std::shared_ptr<const wasm::Module> module, load_module(config, context.resources));
  auto series = std::make_shared<const observe::SeriesGroup>(
      context.metrics, observe::Labels{{"flow", context.flow}, {"module", module_label(config.module, context.modules)}});
  auto setup = make_setup(config, *module, context.resources, series);
  if (!setup.has_value()) return runtime_error(setup.take_error(), config.module);
  if (config.runtime == wasm::Runtime::kFull)
    log_network_policy(context.log.with({{"module", config.module}}), (*setup)->network);
  auto prepared = module->prepare(*setup);
  if (!prepared.has_value()) return runtime_error(prepared.take_error(), config.module);
  auto& instances = series->gauge("fiso_wasm_instances", "Instances that exist, those that are started ahead included.");
  auto& parked = series->gauge("fiso_wasm_parked_instances", "Instances that wait for input.");
  wasm::PoolOptions options{.execution = config.execution, .size = config.pool_size, .max_requests = config.max_requests};
  Shared shared;
  shared.module = config.module;
  shared.on_failure = config.fail_open ? OnFailure::kPass : OnFailure::kReject;
  shared.pool = std::make_shared<wasm::PoolShare>(capacity, std::move(*prepared), std::move(*setup), options, instances, parked);
  shared.log = context.log.with({{"module", config.module}});
  shared.series = series;
  shared.calls = &series->counter("fiso_wasm_calls_total", "Guest calls.");
  shared.dropped_headers =
      &series->counter("fiso_wasm_dropped_headers_total", "Headers of guests that were not fit to be sent on.");
  shared.seconds = &series->histogram("fiso_wasm_call_duration_seconds",
                                      "Time of a guest call, waiting for an instance included.", {}, observe::kFineBuckets);
  context.log.info("loaded wasm interceptor",
                   {{"module", config.module}, {"runtime", config.runtime == wasm::Runtime::kLight ? "wazero" : "wasmer"}});
  return std::make_shared<WasmPlan>(std::move(shared), capacity);
}

}  // namespace fiso::interceptors

// What a wasmer-app interceptor's configuration may say, and what becomes of it.
#include <algorithm>
#include <utility>

#include "apps/app_house.h"
#include "apps/app_interceptor.h"
#include "apps/guest_setup.h"
#include "components/interceptors/wasm/module_label.h"
#include "components/interceptors/wasm/wasm_interceptor.h"
#include "components/process_network.h"

namespace fiso::apps {
namespace {

using Config = AppInterceptor::Config;

// Those of apps that have a port for everybody.
constexpr std::string_view kOfPorts[] = {"name", "port", "listen", "listenAddr", "idleTimeout"};

class AppPlanOfInterceptor final : public core::Plan<core::Interceptor> {
 public:
  explicit AppPlanOfInterceptor(AppInterceptor::Shared shared) : shared_(std::move(shared)) {}
  std::unique_ptr<core::Interceptor> make(async::Shard& shard) const override {
    return std::make_unique<AppInterceptor>(shard, shared_);
  }
  Result<bool> warm() const override { return shared_.own == nullptr || shared_.own->state() == State::kHealthy; }

 private:
  AppInterceptor::Shared shared_;
};

// Either the name of an app, or what an app of its own is made of.
void check_choice(const Config& config, config::Report& report) {
  if (config.app.empty()) {
    if (config.own.module.empty())
      report.error("module", "{path} is required for wasmer-app interceptor, or `app` with the name of one");
    if (report.has("network.listen")) report.error("network.listen", "{path}: an interceptor's app has no ports for others");
    return;
  }
  const auto keys = app_spec();
  for (const auto& field : keys.view().fields)
    if (report.has(field.key)) report.error(field.key, "{path} has no effect with `app`, which is configured where it runs");
}

config::Spec<Config> own_spec(std::string summary) {
  config::Spec<Config> spec("wasmer-app", std::move(summary));
  spec.field("app", &Config::app, "The name of an app of this process.");
  spec.embed(&Config::own, app_spec(), [](config::FieldSpec& field) {
    if (std::ranges::find(kOfPorts, field.key) != std::end(kOfPorts)) return false;
    if (field.key == "module") field.presence = config::Presence::kOptional;
    if (field.key == "module") field.meaning = "Path of the module of an app of its own, in place of `app`.";
    return true;
  });
  return spec.field("failOpen", &Config::fail_open, "Let an event pass unchanged when the app fails.").check(check_choice);
}

interceptors::WasmInterceptor::Config as_wasm(const Config& config) {
  using Wasm = interceptors::WasmInterceptor;
  const AppConfig& own = config.own;
  Wasm::Config wasm{.module = own.module, .runtime = own.runtime, .network = own.network, .threads = own.threads};
  wasm.execution = own.execution == Execution::kPooled ? wasm::Execution::kPooled : wasm::Execution::kPerRequest;
  wasm.pool_size = own.pool_size;
  wasm.max_requests = own.max_requests;
  wasm.input = own.input == Input::kStdin       ? Wasm::Input::kStdin
               : own.input == Input::kStdinFile ? Wasm::Input::kStdinFile
                                                : Wasm::Input::kAuto;
  wasm.args = own.args;
  wasm.env = own.env;
  wasm.preopens = own.preopens;
  wasm.timeout = own.timeout;
  wasm.memory_limit = Bytes{static_cast<uint64_t>(own.memory_mb) << 20};
  wasm.memory_key = "memoryMB";
  wasm.fail_open = config.fail_open;
  wasm.phase = config.phase;
  return wasm;
}

}  // namespace

config::Spec<Config> AppInterceptor::spec() {
  return own_spec("Asks an app about each event.")
      .unsupported("phase", "a phase is for targets of fiso-link; events of a flow go one way");
}

config::Spec<Config> AppInterceptor::target_spec() {
  using Direction = core::CallFacts::Direction;
  return own_spec("Asks an app about requests, or answers.")
      .choice("phase", &Config::phase, "`outbound`: requests on their way to the target. `inbound`: its answers.",
              {{"outbound", Direction::kOutbound}, {"inbound", Direction::kInbound}});
}

void AppInterceptor::check(const Config& config, const core::Resources& resources, config::Report& report) {
  if (!config.app.empty()) {
    const auto* apps = resources.find<AppNames>();
    if (apps == nullptr)
      return report.error("app",
                          "{path}: this program runs no apps by name: use fiso-wasmer-link or fiso-wasmer-aio, or give `module`");
    if (std::ranges::find(apps->names, config.app) != apps->names.end()) return;
    std::string known;
    for (const std::string& name : apps->names) known += (known.empty() ? "" : ", ") + name;
    return report.error("app", "{path}: there is no app \"" + config.app +
                                   "\" that answers requests (there are: " + (known.empty() ? "none" : known) + ")");
  }
  const auto* full = resources.find<wasm::FullEngineSupport>();
  if (config.own.runtime == wasm::Runtime::kFull && full != nullptr && !full->why_not.empty())
    return report.error("runtime", full->why_not);
  if (const auto* network = resources.find<ProcessNetwork>(); network != nullptr)
    if (auto complaint = network->bad_dns(config.own.network)) report.error("network.dns", "{path} " + *complaint);
  if (const auto* all = resources.find<wasm::CapacityOptions>(); all != nullptr) check_app(config.own, *all, report);
}

Result<> AppInterceptor::compile(const Config& config, const core::Resources& resources) {
  if (!config.app.empty()) return {};
  if (config.own.execution == Execution::kLongRunning) return compile_app(config.own, resources);
  return interceptors::WasmInterceptor::compile(as_wasm(config), resources);
}

core::Prepared<core::Interceptor> AppInterceptor::prepare(const Config& config, core::BuildContext& context) {
  bool is_named = !config.app.empty();
  if (!is_named && config.own.execution != Execution::kLongRunning)
    return interceptors::WasmInterceptor::prepare(as_wasm(config), context);
  Shared shared{
      .name = is_named ? config.app : context.flow + "/" + interceptors::module_label(config.own.module, context.modules),
      .directory = context.resources.find<AppDirectory>(),
      .fail_open = config.fail_open};
  shared.log = context.log.with({{"app", shared.name}});
  shared.series = std::make_shared<const observe::SeriesGroup>(context.metrics,
                                                               observe::Labels{{"flow", context.flow}, {"module", shared.name}});
  if (!is_named) {
    AppConfig own = config.own;
    own.name = shared.name;
    auto opened = context.resources.get<AppHouse>().open(std::move(own));
    if (!opened.has_value()) return opened.take_error().with_context("app " + shared.name);
    shared.own = std::move(*opened);
  }
  context.log.info("loaded app interceptor", {{"app", shared.name}});
  return std::make_shared<AppPlanOfInterceptor>(std::move(shared));
}

}  // namespace fiso::apps

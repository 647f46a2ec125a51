// Asks an app about each event: one of the process's apps, by its name, or one that is the interceptor's own.
//
//   app: NAME                  an app of this process
//   module, runtime, …         an app of its own, with the keys of apps: `perRequest` and `pooled` are guests as those of a
//   `wasm`
//                              interceptor, a `longRunning` one lives as long as what it is an interceptor of
//
// An app that listens gets POST /process with payload and headers, and its answer's body and headers go on; any other gets the
// envelope of `wasm` interceptors as one message.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/app_call.h"
#include "apps/app_config.h"
#include "apps/app_directory.h"
#include "components/interceptors/wasm/envelope_answer.h"
#include "core/component.h"
#include "observe/sampled_log.h"

namespace fiso::apps {

// The apps that an interceptor may name, among what configurations are checked with. Without it the process runs none.
struct AppNames {
  std::vector<std::string> names;
};

class AppInterceptor final : public core::Interceptor {
 public:
  static constexpr std::string_view kType = "wasmer-app";

  struct Config {
    std::string app;
    AppConfig own;  // without `app`
    bool fail_open = false;
    core::CallFacts::Direction phase = core::CallFacts::Direction::kOutbound;  // of targets
  };
  static config::Spec<Config> spec();
  static config::Spec<Config> target_spec();
  // Asks for AppNames, wasm::FullEngineSupport, wasm::CapacityOptions and ProcessNetwork, and checks less without the last two.
  static void check(const Config& config, const core::Resources& resources, config::Report& report);
  // Of an app of its own.
  static Result<> compile(const Config& config, const core::Resources& resources);
  static core::Prepared<core::Interceptor> prepare(const Config& config, core::BuildContext& context);

  // What all shards share.
  struct Shared {
    std::string name;                // of the app, in errors
    const AppDirectory* directory;   // where it is found, or
    std::shared_ptr<const App> own;  // it is this one
    bool fail_open = false;
    observe::Log log;
    std::shared_ptr<const observe::SeriesGroup> series;
  };
  AppInterceptor(async::Shard& shard, const Shared& shared);
  Task<Result<>> process(core::Event& event) override;

 private:
  AppCallee* find() const;
  Task<Result<>> ask(core::Event& event);
  Result<> apply(core::Event& event, AppReply reply);

  async::Shard& shard_;
  const Shared& shared_;  // the plan's
  interceptors::EnvelopeAnswer answer_;
  observe::SampledLog passed_log_;
};

// The same as targets of fiso-link have it.
struct TargetApp {
  static constexpr std::string_view kType = AppInterceptor::kType;
  using Config = AppInterceptor::Config;
  static config::Spec<Config> spec() { return AppInterceptor::target_spec(); }
  static void check(const Config& config, const core::Resources& resources, config::Report& report) {
    AppInterceptor::check(config, resources, report);
  }
  static Result<> compile(const Config& config, const core::Resources& resources) {
    return AppInterceptor::compile(config, resources);
  }
  static core::Prepared<core::Interceptor> prepare(const Config& config, core::BuildContext& context) {
    return AppInterceptor::prepare(config, context);
  }
};

}  // namespace fiso::apps

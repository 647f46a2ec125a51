// Components for tests of what loads and builds flows: types named as the real ones, each with one setting, `word`, and a
// prepare() that fails when it is "broken".
#pragma once

#include <memory>
#include <string>

#include "core/registry.h"
#include "core/testing/fakes.h"

namespace fiso::testing {

struct FakeComponentConfig {
  std::string word;
};

inline config::Spec<FakeComponentConfig> fake_component_spec(std::string name) {
  return config::Spec<FakeComponentConfig>(std::move(name), "For tests.")
      .required("word", &FakeComponentConfig::word, "Any text.");
}

template <class T, class Made>
class FakePlan final : public core::Plan<T> {
 public:
  std::unique_ptr<T> make(async::Shard&) const override { return std::make_unique<Made>(); }
};

template <class T, class Made>
core::Prepared<T> prepare_fake(const FakeComponentConfig& config, core::BuildContext&) {
  if (config.word == "broken") return Error(ErrorCode::kInvalidConfig, "it is broken");
  return std::make_shared<FakePlan<T, Made>>();
}

struct FakeHttpSource {
  static constexpr std::string_view kType = "http";
  using Config = FakeComponentConfig;
  static config::Spec<Config> spec() { return fake_component_spec("http"); }
  static core::Prepared<core::Source> prepare(const Config& config, core::BuildContext& context) {
    return prepare_fake<core::Source, FakeSource>(config, context);
  }
};

struct FakeStdoutSink {
  static constexpr std::string_view kType = "stdout";
  using Config = FakeComponentConfig;
  static config::Spec<Config> spec() { return fake_component_spec("stdout"); }
  static core::Prepared<core::Sink> prepare(const Config& config, core::BuildContext& context) {
    return prepare_fake<core::Sink, FakeSink>(config, context);
  }
};

struct FakeWasmInterceptor {
  static constexpr std::string_view kType = "wasm";
  using Config = FakeComponentConfig;
  static config::Spec<Config> spec() { return fake_component_spec("wasm"); }
  static core::Prepared<core::Interceptor> prepare(const Config& config, core::BuildContext& context) {
    return prepare_fake<core::Interceptor, FakeInterceptor>(config, context);
  }
};

inline core::Registry fake_registry() {
  core::Registry registry;
  registry.add_source<FakeHttpSource>();
  registry.add_sink<FakeStdoutSink>();
  registry.add_interceptor<FakeWasmInterceptor>();
  return registry;
}

}  // namespace fiso::testing

// How a component comes to be, in four steps:
//
//   parse    YAML to a typed config, or all the errors; nothing is opened
//   check    what goes beyond its own keys: files that it names, what others claim too; nothing is kept open (control thread)
//   prepare  config to a plan, once per process: modules are compiled, addresses resolved; may block (control thread)
//   make     plan to the thing itself, once per shard
//
// A plan is immutable and shared by the shards. All steps of all components of a configuration succeed before any of it
// takes effect.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/shard.h"
#include "config/spec.h"
#include "core/interceptor.h"
#include "core/resources.h"
#include "core/sink.h"
#include "core/source.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace fiso::core {

// What a component is told when it is prepared.
struct BuildContext {
  std::string flow;
  observe::Log log;  // carries the flow's name
  observe::Metrics& metrics;
  Resources& resources;
  StatusMode status_mode = StatusMode::kCompatible;
  std::vector<std::string> modules = {};  // of all interceptors of the flow, as they are configured
};

template <class T>
class Plan {
 public:
  virtual ~Plan() = default;
  // On the shard.
  virtual std::unique_ptr<T> make(async::Shard& shard) const = 0;
  // True once what was made stands ready, such as guests that are started ahead; an error, the operator's to read, if it never
  // will. Thread-safe.
  virtual Result<bool> warm() const { return true; }
};

template <class T>
using Prepared = Result<std::shared_ptr<const Plan<T>>>;
template <class T>
using Prepare = std::function<Prepared<T>(BuildContext&)>;

// Reports what is wrong with a config that parsed well, at its keys. Runs once all configs are parsed.
using Check = std::function<void(const Resources& resources, config::Errors& errors)>;

// Compiles what it would run, as prepare() does, and keeps nothing: for who only wants to know. Blocks; control thread.
using Compile = std::function<Result<>(const Resources& resources)>;

// A message about a config that parsed and checked well, with the place of its `module`: "file:line:column: key.path: message".
using Placed = std::function<std::string(const std::string& message)>;

// A component whose configuration was read. The functions are empty if that failed; `check` also if there is nothing to check,
// `compile` if it compiles nothing, and `placed` if it runs no guest.
template <class T>
struct Draft {
  Prepare<T> prepare = {};
  Check check = {};
  Compile compile = {};
  Placed placed = {};
  std::string module = {};                                       // the guest's, where it runs one
  std::string app = {};                                          // that it asks, where it names one
  CallFacts::Direction phase = CallFacts::Direction::kOutbound;  // of calls, what it looks at
};

// One type of source, sink or interceptor, as the registry knows it.
template <class T>
struct ComponentType {
  std::string name;
  std::shared_ptr<const config::StructSpec> spec;
  std::function<Draft<T>(const config::Node& node, const std::string& path, config::Errors& errors)> parse;
};

// For a class C with kType, Config, `static config::Spec<Config> spec()`, `static Prepared<T> prepare(Config, BuildContext&)`
// and maybe `static void check(Config, Resources, config::Report&)` and `static Result<> compile(Config, Resources)`.
template <class C>
Check component_check(const typename C::Config& parsed, const config::Node& node, const std::string& path) {
  if constexpr (requires(const Resources& resources, config::Report& report) { C::check(parsed, resources, report); }) {
    return [parsed, node, path](const Resources& resources, config::Errors& errors) {
      config::report_at(node, path, errors, [&](config::Report& report) { C::check(parsed, resources, report); });
    };
  }
  return nullptr;
}

inline Placed place_of_module(const config::Node& node, const std::string& path) {
  return [node, path](const std::string& message) {
    config::Errors errors;
    config::report_at(node, path, errors, [&](config::Report& report) { report.error("module", message); });
    std::string line = errors.render();
    line.pop_back();  // its end
    return line;
  };
}

template <class T, class C>
ComponentType<T> component_type() {
  return {std::string(C::kType), C::spec().share(),
          [](const config::Node& node, const std::string& path, config::Errors& errors) -> Draft<T> {
            typename C::Config parsed;
            if (!C::spec().parse(node, path, parsed, errors)) return {};
            Check check = component_check<C>(parsed, node, path);
            Draft<T> draft{.check = std::move(check)};
            if constexpr (requires { parsed.module; }) draft.module = parsed.module;
            if constexpr (requires { parsed.own.module; }) draft.module = parsed.own.module;
            if (!draft.module.empty()) draft.placed = place_of_module(node, path);
            if constexpr (requires { parsed.app; }) draft.app = parsed.app;
            if constexpr (requires { parsed.phase; }) draft.phase = parsed.phase;
            if constexpr (requires(const Resources& resources) { C::compile(parsed, resources); })
              draft.compile = [parsed](const Resources& resources) { return C::compile(parsed, resources); };
            draft.prepare = [parsed = std::move(parsed)](BuildContext& context) { return C::prepare(parsed, context); };
            return draft;
          }};
}

}  // namespace fiso::core

// How a component comes to be, in three steps:
//
//   parse    YAML to a typed config, or all the errors; nothing is opened
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
};

template <class T>
class Plan {
 public:
  virtual ~Plan() = default;
  // On the shard.
  virtual std::unique_ptr<T> make(async::Shard& shard) const = 0;
  // True once what was made stands ready, such as guests that are started ahead. Thread-safe.
  virtual bool warm() const { return true; }
};

template <class T>
using Prepared = Result<std::shared_ptr<const Plan<T>>>;
template <class T>
using Prepare = std::function<Prepared<T>(BuildContext&)>;

// One type of source, sink or interceptor, as the registry knows it.
template <class T>
struct ComponentType {
  std::string name;
  std::shared_ptr<const config::StructSpec> spec;
  // An empty function if `errors` got any.
  std::function<Prepare<T>(const config::Node& node, const std::string& path, config::Errors& errors)> parse;
};

// For a class C with kType, Config, `static config::Spec<Config> spec()` and `static Prepared<T> prepare(Config, BuildContext&)`.
template <class T, class C>
ComponentType<T> component_type() {
  return {std::string(C::kType), C::spec().share(),
          [](const config::Node& node, const std::string& path, config::Errors& errors) -> Prepare<T> {
            typename C::Config parsed;
            if (!C::spec().parse(node, path, parsed, errors)) return nullptr;
            return [parsed = std::move(parsed)](BuildContext& context) { return C::prepare(parsed, context); };
          }};
}

}  // namespace fiso::core

#include "flow/flow_plan.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "core/attribute_formats.h"

namespace fiso::flow {
namespace {

PipelineOptions pipeline_options(const FlowConfig& config) {
  PipelineOptions options;
  options.flow = config.name;
  options.retry = {.attempts = std::max<int64_t>(1, config.error_handling.max_retries), .backoff = config.error_handling.backoff};
  options.cloud_events.source = "fiso-flow/" + core::to_uri_segment(config.name);
  const CloudEventsConfig& events = config.cloudevents;
  auto set = [&](const char* name, std::string value) {
    if (!value.empty()) options.cloud_events.overrides.emplace_back(name, std::move(value));
  };
  set("type", std::string(trim(events.type)));
  set("source", core::to_uri_reference(trim(events.source)).value_or(""));
  set("subject", std::string(trim(events.subject)));
  set("dataschema", core::to_uri_reference(trim(events.dataschema)).value_or(""));
  return options;
}

// What is wrong with a part of a flow, at its place if that is known.
std::string problem_of(const std::string& flow, Error error, const core::Placed& placed) {
  std::string message = std::move(error).with_context("build pipeline " + flow).describe();
  return placed ? placed(message) : message;
}

// Appends what is wrong to `problems`, a line; the error is that of a stop.
template <class T>
Result<> prepare_part(const core::Draft<T>& draft, core::BuildContext& context, std::shared_ptr<const core::Plan<T>>& plan,
                      std::string& problems) {
  auto prepared = draft.prepare(context);
  if (prepared.has_value()) {
    plan = std::move(*prepared);
    return {};
  }
  if (prepared.error().code() == ErrorCode::kCancelled) return prepared.take_error();
  problems += (problems.empty() ? "" : "\n") + problem_of(context.flow, prepared.take_error(), draft.placed);
  return {};
}

}  // namespace

FlowPlan::FlowPlan(const FlowConfig& config, async::ShardSet& shards, observe::Metrics& metrics, const observe::Log& log)
    : options_(pipeline_options(config)),
      log_(log),
      stats_(metrics, config.name),
      in_flight_(shards, static_cast<uint64_t>(config.max_in_flight), 0) {}

Result<std::unique_ptr<FlowPlan>> FlowPlan::prepare(const FlowDraft& draft, async::ShardSet& shards, core::Resources& resources,
                                                    observe::Metrics& metrics, const observe::Log& log) {
  const std::string& name = draft.config.name;
  log.info("building flow", {{"name", name}});
  std::unique_ptr<FlowPlan> plan(new FlowPlan(draft.config, shards, metrics, log));
  core::BuildContext context{name, log.with({{"flow", name}}), metrics, resources, draft.config.error_handling.status_mode};
  for (const auto& interceptor : draft.interceptors)
    if (!interceptor.module.empty()) context.modules.push_back(interceptor.module);
  std::string problems;
  for (const auto& interceptor : draft.interceptors) {
    FISO_TRY_OK(prepare_part(interceptor, context, plan->interceptors_.emplace_back(), problems));
    plan->places_.push_back(interceptor.placed);
  }
  FISO_TRY_OK(prepare_part(draft.sink, context, plan->sink_, problems));
  FISO_TRY_OK(prepare_part(draft.source, context, plan->source_, problems));
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return plan;
}

Result<> FlowPlan::compile(const FlowDraft& draft, const core::Resources& resources) {
  std::string problems;
  for (const auto& interceptor : draft.interceptors) {
    auto compiled = interceptor.compile ? interceptor.compile(resources) : Result<>();
    if (compiled.has_value()) continue;
    if (compiled.error().code() == ErrorCode::kCancelled) return compiled;
    problems += (problems.empty() ? "" : "\n") + problem_of(draft.config.name, compiled.take_error(), interceptor.placed);
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return {};
}

std::unique_ptr<FlowReplica> FlowPlan::make(async::Shard& shard) const {
  std::vector<std::unique_ptr<core::Interceptor>> chain;
  for (const auto& interceptor : interceptors_) chain.push_back(interceptor->make(shard));
  auto pipeline =
      std::make_unique<Pipeline>(shard, options_, core::Chain(std::move(chain)), sink_->make(shard), stats_, in_flight_, log_);
  return std::make_unique<FlowReplica>(source_->make(shard), std::move(pipeline));
}

Result<bool> FlowPlan::warm() const {
  bool all = true;
  std::string problems;
  for (size_t i = 0; i < interceptors_.size(); ++i) {
    auto warm = interceptors_[i]->warm();
    all = all && warm.value_or(false);
    if (!warm.has_value()) problems += (problems.empty() ? "" : "\n") + problem_of(name(), warm.take_error(), places_[i]);
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return all;
}

}  // namespace fiso::flow

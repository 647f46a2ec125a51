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
  auto in_flow = [&](Error error) { return std::move(error).with_context("build pipeline " + name); };
  for (const auto& interceptor_draft : draft.interceptors) {
    auto interceptor = interceptor_draft.prepare(context);
    if (!interceptor.has_value()) return in_flow(interceptor.take_error());
    plan->interceptors_.push_back(std::move(*interceptor));
  }
  auto sink = draft.sink.prepare(context);
  if (!sink.has_value()) return in_flow(sink.take_error());
  plan->sink_ = std::move(*sink);
  auto source = draft.source.prepare(context);
  if (!source.has_value()) return in_flow(source.take_error());
  plan->source_ = std::move(*source);
  return plan;
}

std::unique_ptr<FlowReplica> FlowPlan::make(async::Shard& shard) const {
  std::vector<std::unique_ptr<core::Interceptor>> chain;
  for (const auto& interceptor : interceptors_) chain.push_back(interceptor->make(shard));
  auto pipeline =
      std::make_unique<Pipeline>(shard, options_, core::Chain(std::move(chain)), sink_->make(shard), stats_, in_flight_, log_);
  return std::make_unique<FlowReplica>(source_->make(shard), std::move(pipeline));
}

bool FlowPlan::warm() const {
  return std::ranges::all_of(interceptors_, [](const auto& interceptor) { return interceptor->warm(); });
}

}  // namespace fiso::flow

// A flow that is ready to run: its components are prepared, each shard can make its own replica of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/limiter.h"
#include "core/component.h"
#include "flow/flow_loader.h"
#include "flow/pipeline.h"

namespace fiso::flow {

// One shard's share of a flow. Shard-local. It may be destroyed when no event is in it.
class FlowReplica {
 public:
  FlowReplica(std::unique_ptr<core::Source> source, std::unique_ptr<Pipeline> pipeline)
      : pipeline_(std::move(pipeline)), source_(std::move(source)) {}
  void start() { source_->start(*pipeline_); }
  void end_retries() { pipeline_->end_retries(); }

 private:
  std::unique_ptr<Pipeline> pipeline_;
  std::unique_ptr<core::Source> source_;
};

// Immutable; outlives its replicas.
class FlowPlan {
 public:
  // Blocks: modules are compiled, certificates read. Control thread. All that is wrong is in the error, a line each
  // that names the flow.
  static Result<std::unique_ptr<FlowPlan>> prepare(const FlowDraft& draft, async::ShardSet& shards, core::Resources& resources,
                                                   observe::Metrics& metrics, const observe::Log& log);

  // Compiles the modules of a flow, as prepare() does, and keeps nothing. Blocks; control thread. The error is as there.
  static Result<> compile(const FlowDraft& draft, const core::Resources& resources);

  const std::string& name() const { return options_.flow; }
  std::unique_ptr<FlowReplica> make(async::Shard& shard) const;
  // True once the replicas' guests that are started ahead stand ready; an error, the operator's to read, if one never will.
  // Thread-safe.
  Result<bool> warm() const;

 private:
  FlowPlan(const FlowConfig& config, async::ShardSet& shards, observe::Metrics& metrics, const observe::Log& log);

  PipelineOptions options_;
  observe::Log log_;
  mutable FlowStats stats_;
  mutable async::Limiter in_flight_;
  std::shared_ptr<const core::Plan<core::Source>> source_;
  std::vector<std::shared_ptr<const core::Plan<core::Interceptor>>> interceptors_;
  std::vector<core::Placed> places_;  // of those, for what is wrong with them
  std::shared_ptr<const core::Plan<core::Sink>> sink_;
};

}  // namespace fiso::flow

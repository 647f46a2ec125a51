// The life of an event between its source and its answer:
//
//   correlation -> interceptors -> CloudEvent -> sink, with retries -> answer
//
// Any error ends it there; the answer then carries the stage's code and a short text. Every delivery is answered exactly
// once, and the flow's books (FlowStats) balance whatever happens. Threading: shard-local; one per flow and shard.
#pragma once

#include <memory>
#include <string>

#include "async/gate.h"
#include "async/limiter.h"
#include "core/chain.h"
#include "core/cloud_event.h"
#include "core/sink.h"
#include "core/source.h"
#include "flow/failure.h"
#include "flow/flow_stats.h"
#include "flow/retry.h"
#include "observe/log.h"
#include "observe/sampled_log.h"

namespace fiso::flow {

struct PipelineOptions {
  std::string flow;
  core::CloudEventDefaults cloud_events;
  RetryPolicy retry;
};

class Pipeline final : public core::Intake {
 public:
  // `in_flight` is the flow's limit over all shards. Borrows all references for its life.
  Pipeline(async::Shard& shard, const PipelineOptions& options, core::Chain chain, std::unique_ptr<core::Sink> sink,
           FlowStats& stats, async::Limiter& in_flight, observe::Log log, const Clock& clock = Clock::system());

  Task<> take(core::Delivery delivery) override;

  // From now on a failed delivery is not tried again, and what pauses before another attempt is answered at once. Events are
  // still taken: those who bring them know when there are no more.
  void end_retries() { retrying_.close(); }

 private:
  Task<Result<>> process(core::Event& event, MonotonicTime start);
  Error failed(FailureStage stage, Error error, const core::Event& event);
  void log_undelivered(const core::Event& event, const Error& error, int64_t attempts);
  void log_delivered(const core::Event& event, Duration took);

  const PipelineOptions& options_;
  core::Chain chain_;
  std::unique_ptr<core::Sink> sink_;
  FlowStats& stats_;
  async::Limiter& in_flight_;
  const Clock& clock_;
  observe::SampledLog delivered_log_;
  observe::SampledLog failed_log_;
  observe::SampledLog overload_log_;
  observe::SampledLog undelivered_log_;
  json::Document scratch_;  // between two suspensions only
  async::Gate retrying_, inside_;
};

}  // namespace fiso::flow

#include "flow/pipeline.h"

#include <utility>

#include "core/correlation.h"

namespace fiso::flow {
namespace {

// Per shard and second; what is beyond is counted in the next line.
constexpr uint32_t kDeliveredLines = 10;
constexpr uint32_t kFailedLines = 100;
constexpr uint32_t kOverloadLines = 5;

}  // namespace

Pipeline::Pipeline(async::Shard& shard, const PipelineOptions& options, core::Chain chain, std::unique_ptr<core::Sink> sink,
                   FlowStats& stats, async::Limiter& in_flight, observe::Log log, const Clock& clock)
    : options_(options),
      chain_(std::move(chain)),
      sink_(std::move(sink)),
      stats_(stats),
      in_flight_(in_flight),
      clock_(clock),
      delivered_log_(log, observe::LogLevel::kInfo, kDeliveredLines, clock),
      failed_log_(log, observe::LogLevel::kError, kFailedLines, clock),
      overload_log_(log, observe::LogLevel::kWarn, kOverloadLines, clock),
      undelivered_log_(log, observe::LogLevel::kError, kFailedLines, clock),
      retrying_(shard.executor()),
      inside_(shard.executor()) {}

Task<> Pipeline::take(core::Delivery delivery) {
  stats_.received.increment();
  async::Gate::Pass pass = inside_.enter();
  async::Limiter::Permit permit = in_flight_.try_acquire();
  if (!permit) {
    stats_.rejected.increment();
    overload_log_.write("too many events are in flight",
                        {{"flow", options_.flow}, {"topic", delivery.event.topic}, {"limit", in_flight_.capacity()}});
    delivery.answer(Error(ErrorCode::kOverloaded, "too many events are in flight"));
    co_return;
  }
  stats_.in_flight.increment();
  MonotonicTime start = clock_.now();
  auto outcome = co_await process(delivery.event, start);
  Duration took = clock_.now() - start;
  stats_.total_seconds.observe(took);
  // Counted before it stops being in flight: whoever looks meanwhile sees it twice rather than not at all.
  (outcome.has_value() ? stats_.delivered : stats_.rejected).increment();
  stats_.in_flight.decrement();
  if (outcome.has_value()) log_delivered(delivery.event, took);
  delivery.answer(std::move(outcome));
}

Task<Result<>> Pipeline::process(core::Event& event, MonotonicTime start) {
  core::Correlation correlation = core::find_correlation(event.headers);
  event.correlation_id = std::move(correlation.id);
  event.correlation_source = correlation.source;
  MonotonicTime processed_at = start;
  if (!chain_.empty()) {
    auto processed = co_await chain_.process(event);
    processed_at = clock_.now();
    stats_.interceptors_seconds.observe(processed_at - start);
    if (!processed.has_value()) {
      stats_.interceptor_errors.increment();
      co_return failed(FailureStage::kInterceptor, processed.take_error(), event);
    }
  }
  auto outbound = core::to_cloud_event(event, options_.cloud_events, clock_, scratch_);
  if (!outbound.has_value()) {
    stats_.wrap_errors.increment();
    co_return failed(FailureStage::kCloudEvent, outbound.take_error(), event);
  }
  int64_t attempts = 0;
  auto delivered = co_await deliver_with_retries(*sink_, *outbound, options_.retry, retrying_, stats_.retries, &attempts);
  stats_.sink_seconds.observe(clock_.now() - processed_at);
  if (!delivered.has_value()) {
    stats_.sink_errors.increment();
    log_undelivered(event, delivered.error(), attempts);
    co_return failed(FailureStage::kSink, delivered.take_error(), event);
  }
  co_return Result<>();
}

// The log gets the whole story, the caller the code and the short text.
Error Pipeline::failed(FailureStage stage, Error error, const core::Event& event) {
  failed_log_.write("event processing failed", {{"flow", options_.flow},
                                                {"topic", event.topic},
                                                {"correlation_id", event.correlation_id},
                                                {"code", to_string(stage)},
                                                {"error", error.describe()}});
  std::string message = std::string(to_string(stage)) + ": " + error.message();
  ErrorCode code = code_for_caller(stage, error.code());
  return std::move(error).with_message(std::move(message)).with_code(code);
}

// What the sink said; that the event failed for it is the line after this one.
void Pipeline::log_undelivered(const core::Event& event, const Error& error, int64_t attempts) {
  const std::string why = error.describe();
  if (attempts > 1) {
    undelivered_log_.write(
        "delivery failed after retries",
        {{"flow", options_.flow}, {"correlation_id", event.correlation_id}, {"attempts", attempts}, {"error", why}});
  } else {
    undelivered_log_.write("delivery failed",
                           {{"flow", options_.flow}, {"correlation_id", event.correlation_id}, {"error", why}});
  }
}

void Pipeline::log_delivered(const core::Event& event, Duration took) {
  delivered_log_.write("event delivered", {{"flow", options_.flow},
                                           {"correlation_id", event.correlation_id},
                                           {"correlation_source", event.correlation_source},
                                           {"event_id", event.id},
                                           {"target", sink_->target()},
                                           {"latency_ms", std::chrono::duration<double, std::milli>(took).count()}});
}

}  // namespace fiso::flow

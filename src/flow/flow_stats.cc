#include "flow/flow_stats.h"

namespace fiso::flow {
namespace {

constexpr char kEvents[] = "fiso_flow_events_total";
constexpr char kEventsHelp[] = "Events that were answered, by how.";
constexpr char kDuration[] = "fiso_flow_event_duration_seconds";
constexpr char kDurationHelp[] = "Time an event took, in all and by phase.";
constexpr char kErrors[] = "fiso_flow_transform_errors_total";
constexpr char kErrorsHelp[] = "Events that failed before they reached the sink, by step.";

}  // namespace

FlowStats::FlowStats(observe::Metrics& metrics, const std::string& flow)
    : received(metrics.counter("fiso_flow_events_received_total", "Events that were taken in.", {{"flow", flow}})),
      delivered(metrics.counter(kEvents, kEventsHelp, {{"flow", flow}, {"status", "delivered"}})),
      rejected(metrics.counter(kEvents, kEventsHelp, {{"flow", flow}, {"status", "rejected"}})),
      in_flight(metrics.gauge("fiso_flow_events_in_flight", "Events under way.", {{"flow", flow}})),
      interceptor_errors(metrics.counter(kErrors, kErrorsHelp, {{"flow", flow}, {"error_type", "interceptor"}})),
      wrap_errors(metrics.counter(kErrors, kErrorsHelp, {{"flow", flow}, {"error_type", "cloudevent_wrap"}})),
      sink_errors(
          metrics.counter("fiso_flow_sink_delivery_errors_total", "Events that the sink did not take.", {{"flow", flow}})),
      retries(metrics.counter("fiso_flow_sink_retries_total", "Attempts at delivery beyond an event's first.", {{"flow", flow}})),
      total_seconds(metrics.histogram(kDuration, kDurationHelp, {{"flow", flow}, {"phase", "total"}}, observe::kFineBuckets)),
      interceptors_seconds(
          metrics.histogram(kDuration, kDurationHelp, {{"flow", flow}, {"phase", "interceptors"}}, observe::kFineBuckets)),
      sink_seconds(metrics.histogram(kDuration, kDurationHelp, {{"flow", flow}, {"phase", "sink"}}, observe::kFineBuckets)) {}

}  // namespace fiso::flow

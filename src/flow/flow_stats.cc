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
    : series(metrics, {{"flow", flow}}),
      received(series.counter("fiso_flow_events_received_total", "Events that were taken in.")),
      delivered(series.counter(kEvents, kEventsHelp, {{"status", "delivered"}})),
      rejected(series.counter(kEvents, kEventsHelp, {{"status", "rejected"}})),
      in_flight(series.gauge("fiso_flow_events_in_flight", "Events under way.")),
      interceptor_errors(series.counter(kErrors, kErrorsHelp, {{"error_type", "interceptor"}})),
      wrap_errors(series.counter(kErrors, kErrorsHelp, {{"error_type", "cloudevent_wrap"}})),
      sink_errors(series.counter("fiso_flow_sink_delivery_errors_total", "Events that the sink did not take.")),
      retries(series.counter("fiso_flow_sink_retries_total", "Attempts at delivery beyond an event's first.")),
      total_seconds(series.histogram(kDuration, kDurationHelp, {{"phase", "total"}}, observe::kFineBuckets)),
      interceptors_seconds(series.histogram(kDuration, kDurationHelp, {{"phase", "interceptors"}}, observe::kFineBuckets)),
      sink_seconds(series.histogram(kDuration, kDurationHelp, {{"phase", "sink"}}, observe::kFineBuckets)) {}

}  // namespace fiso::flow

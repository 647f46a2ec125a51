// What a flow counts. All shards and all generations of a flow name share the series, which go with its last generation.
//
// The books balance at all times: received = delivered + rejected + in flight. Thread-safe.
#pragma once

#include <string>

#include "observe/metrics.h"

namespace fiso::flow {

struct FlowStats {
  FlowStats(observe::Metrics& metrics, const std::string& flow);

  const observe::SeriesGroup series;
  observe::Counter& received;
  observe::Counter& delivered;
  observe::Counter& rejected;
  observe::Gauge& in_flight;
  observe::Counter& interceptor_errors;
  observe::Counter& wrap_errors;
  observe::Counter& sink_errors;
  observe::Counter& retries;
  observe::Histogram& total_seconds;
  observe::Histogram& interceptors_seconds;
  observe::Histogram& sink_seconds;
};

}  // namespace fiso::flow

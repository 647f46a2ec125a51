// Where in a flow an event failed: the code that callers, logs and dead letters carry.
#pragma once

#include <string_view>

namespace fiso::flow {

enum class FailureStage { kInterceptor, kCloudEvent, kSink };

constexpr std::string_view to_string(FailureStage stage) {
  switch (stage) {
    case FailureStage::kInterceptor: return "INTERCEPTOR_FAILED";
    case FailureStage::kCloudEvent: return "CLOUDEVENT_WRAP_FAILED";
    case FailureStage::kSink: return "SINK_DELIVERY_FAILED";
  }
  return "INTERNAL";
}

}  // namespace fiso::flow

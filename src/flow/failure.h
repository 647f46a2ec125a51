// Where in a flow an event failed: the code that callers, logs and dead letters carry, and whose fault it was.
#pragma once

#include <string_view>

#include "base/error.h"

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

// Whose fault an error of that stage is, in the eyes of the caller. The payload has been checked by the time that a sink gets
// it, so a sink that calls it wrong, or finds nothing, has refused it; and a step that says no has refused the caller's input.
constexpr ErrorCode code_for_caller(FailureStage stage, ErrorCode code) {
  bool of_input = code == ErrorCode::kInvalidInput || code == ErrorCode::kNotFound;
  if (stage == FailureStage::kSink && of_input) return ErrorCode::kRejected;
  if (stage != FailureStage::kSink && code == ErrorCode::kRejected) return ErrorCode::kInvalidInput;
  return code;
}

}  // namespace fiso::flow

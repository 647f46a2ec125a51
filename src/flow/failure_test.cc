#include "flow/failure.h"

#include <gtest/gtest.h>

namespace fiso::flow {
namespace {

constexpr FailureStage kStages[] = {FailureStage::kInterceptor, FailureStage::kCloudEvent, FailureStage::kSink};

TEST(Failure, EveryCodeKeepsItsMeaningUnlessTheStageKnowsBetter) {
  for (FailureStage stage : kStages) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
      ErrorCode code = static_cast<ErrorCode>(i), expected = code;
      bool at_sink = stage == FailureStage::kSink;
      if (at_sink && (code == ErrorCode::kInvalidInput || code == ErrorCode::kNotFound)) expected = ErrorCode::kRejected;
      if (!at_sink && code == ErrorCode::kRejected) expected = ErrorCode::kInvalidInput;
      EXPECT_EQ(code_for_caller(stage, code), expected) << to_string(stage) << " " << to_string(code);
    }
  }
}

TEST(Failure, EveryStageHasACodeOfItsOwn) {
  EXPECT_EQ(to_string(kStages[0]), "INTERCEPTOR_FAILED");
  EXPECT_EQ(to_string(kStages[1]), "CLOUDEVENT_WRAP_FAILED");
  EXPECT_EQ(to_string(kStages[2]), "SINK_DELIVERY_FAILED");
}

}  // namespace
}  // namespace fiso::flow

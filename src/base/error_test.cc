#include "base/error.h"

#include <gtest/gtest.h>

#include "base/result.h"

namespace fiso {
namespace {

TEST(Error, ContextsReadFromTheOutsideIn) {
  Error error =
      Error(ErrorCode::kUnavailable, "connection refused").with_context("connect 127.0.0.1:9").with_context("sink http");
  EXPECT_EQ(error.describe(), "sink http: connect 127.0.0.1:9: connection refused");
  EXPECT_EQ(error.message(), "connection refused");
}

TEST(Error, CopiesAreIndependent) {
  Error first(ErrorCode::kTimeout, "late");
  Error second = first;
  second = std::move(second).with_context("here");
  EXPECT_EQ(first.describe(), "late");
  EXPECT_EQ(second.describe(), "here: late");
}

TEST(Error, OnlyOutagesAreRetryable) {
  EXPECT_TRUE(retryable(ErrorCode::kUnavailable));
  EXPECT_TRUE(retryable(ErrorCode::kTimeout));
  EXPECT_TRUE(retryable(ErrorCode::kOverloaded));
  EXPECT_FALSE(retryable(ErrorCode::kRejected));
  EXPECT_FALSE(retryable(ErrorCode::kGuestTrap));
}

Result<int> half(int n) {
  if (n % 2 != 0) return Error(ErrorCode::kInvalidInput, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  FISO_TRY(int once, half(n));
  FISO_TRY(int twice, half(once));
  return twice;
}

TEST(Result, TryHandsTheFirstErrorToTheCaller) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
}

TEST(Result, OfNothingIsOkByDefault) {
  Result<> nothing;
  EXPECT_TRUE(nothing.has_value());
}

}  // namespace
}  // namespace fiso

#include "net/http_status.h"

#include <gtest/gtest.h>

#include <map>

namespace fiso::net {
namespace {

TEST(HttpStatus, SaysWhoseFaultAnErrorIs) {
  const std::map<ErrorCode, int> expected{
      {ErrorCode::kInvalidConfig, 500}, {ErrorCode::kInvalidInput, 400}, {ErrorCode::kNotFound, 502},
      {ErrorCode::kRejected, 502},      {ErrorCode::kUnavailable, 502},  {ErrorCode::kTimeout, 504},
      {ErrorCode::kOverloaded, 503},    {ErrorCode::kCancelled, 503},    {ErrorCode::kGuestTrap, 502},
      {ErrorCode::kGuestExit, 502},     {ErrorCode::kGuestLimit, 502},   {ErrorCode::kInternal, 500},
  };
  ASSERT_EQ(expected.size(), static_cast<size_t>(ErrorCode::kInternal) + 1) << "every code has a status";
  for (auto [code, status] : expected) EXPECT_EQ(status_for(code), status) << to_string(code);
}

TEST(HttpStatus, KnowsTheReasonOfWhatItGives) {
  for (int status : {400, 500, 502, 503, 504}) EXPECT_NE(reason(status), "Unknown") << status;
  EXPECT_EQ(reason(299), "Unknown");
}

}  // namespace
}  // namespace fiso::net

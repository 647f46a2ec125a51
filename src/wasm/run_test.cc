// How outcomes are named, and the errors they amount to.
#include "wasm/run.h"

#include <gtest/gtest.h>

#include <set>

namespace fiso::wasm {
namespace {

constexpr Outcome kAll[] = {Outcome::kOk,         Outcome::kExit,      Outcome::kTrap,     Outcome::kTimeout,
                            Outcome::kMemory,     Outcome::kExhausted, Outcome::kOutput,   Outcome::kBadStart,
                            Outcome::kOverloaded, Outcome::kLate,      Outcome::kAbandoned};

TEST(Run, EveryOutcomeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (Outcome outcome : kAll) names.insert(to_string(outcome));
  EXPECT_EQ(names.size(), std::size(kAll));
  EXPECT_FALSE(names.contains("unknown"));
}

struct Expected {
  RunResult result;
  ErrorCode code;
  std::string message;
};

TEST(Run, EveryFailureIsToldApart) {
  Limits limits{.timeout = std::chrono::milliseconds(1500), .memory = 16_MiB, .output = 1_KiB};
  for (const Expected& expected : std::initializer_list<Expected>{
           {{.outcome = Outcome::kExit, .exit_code = 255}, ErrorCode::kGuestExit, "module closed with exit_code(255)"},
           {{.outcome = Outcome::kTrap, .detail = "unreachable"}, ErrorCode::kGuestTrap, "wasm trap: unreachable"},
           {{.outcome = Outcome::kTimeout}, ErrorCode::kTimeout, "wasm execution timeout after 1.5s"},
           {{.outcome = Outcome::kMemory}, ErrorCode::kGuestLimit, "wasm memory limit of 16MiB reached"},
           {{.outcome = Outcome::kExhausted}, ErrorCode::kOverloaded, "the memory for all wasm instances is used up"},
           {{.outcome = Outcome::kOutput}, ErrorCode::kGuestLimit, "wasm output is larger than 1KiB"},
           {{.outcome = Outcome::kBadStart, .detail = "why"}, ErrorCode::kGuestTrap, "wasm module did not start: why"},
           {{.outcome = Outcome::kOverloaded}, ErrorCode::kOverloaded, "no wasm instance is free"},
       }) {
    Error error = to_error(expected.result, limits);
    EXPECT_EQ(error.code(), expected.code) << expected.message;
    EXPECT_EQ(error.message(), expected.message);
  }
}

TEST(Run, ATimeoutIsToldInSeconds) {
  using std::chrono::milliseconds;
  for (auto [timeout, told] : {std::pair(milliseconds(60'000), "60s"),
                               {milliseconds(3'600'000), "3600s"},
                               {milliseconds(300), "300ms"},
                               {milliseconds(90'500), "1m30.5s"}})
    EXPECT_EQ(to_error({.outcome = Outcome::kTimeout}, {.timeout = timeout}).message(),
              "wasm execution timeout after " + std::string(told));
}

TEST(Run, AGuestsOwnTextIsInNoError) {
  for (Outcome outcome : kAll) {
    Error error = to_error({.outcome = outcome, .detail = "kind", .output = "secret"}, {});
    EXPECT_EQ(error.describe().find("secret"), std::string::npos) << to_string(outcome);
  }
}

}  // namespace
}  // namespace fiso::wasm

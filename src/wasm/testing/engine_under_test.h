// What the engine contract is told about an engine, and the fixture of its suites.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "wasm/testing/footprint.h"
#include "wasm/testing/guest_rig.h"
#include "wasm/testing/repeat.h"

namespace fiso::wasm::testing {

enum class Capability {
  kGuestCode,  // runs what the module says: its memory, its traps, its calls of the host
  kOwnWasi,    // its WASI is ours: exact errnos, no file system but the preopens, descriptor 3 is the first of them, calls
               // that block are made on our blocking pool
};

struct EngineUnderTest {
  std::string name;
  std::set<Capability> capabilities;
  MakeEngine make;
  // The guest that lives on and serves a port: it counts requests to / and answers {"count":n}. Empty: none can.
  std::string server = {};
};
inline void PrintTo(const EngineUnderTest& engine, std::ostream* out) { *out << engine.name; }

inline std::string name_of_engine(const ::testing::TestParamInfo<EngineUnderTest>& info) { return info.param.name; }

// Skips the test, visibly, where the engine cannot do what it is about.
#define FISO_NEEDS(capability)                                   \
  if (!GetParam().capabilities.contains(Capability::capability)) \
  GTEST_SKIP() << "the engine " << GetParam().name << " does not have " #capability

// The message of the error that a result amounts to; "ok" if it is none.
inline std::string verdict(const RunResult& result, const Limits& limits = {}) {
  return result.outcome == Outcome::kOk ? "ok" : to_error(result, limits).message();
}

class EngineSuite : public ::testing::TestWithParam<EngineUnderTest> {
 protected:
  Rig& rig(RigOptions options = {}) {
    if (rig_ == nullptr) rig_ = std::make_unique<Rig>(GetParam().make, options);
    return *rig_;
  }
  // One run in an instance of its own.
  RunResult run(GuestSpec spec, const std::string& payload = "1") {
    RunningGuest guest(rig(), std::move(spec));
    return guest.run(envelope(payload));
  }
  // The message that one run ends with.
  std::string ends(GuestSpec spec, const std::string& payload = "1") {
    Limits limits = spec.limits;
    return verdict(run(std::move(spec), payload), limits);
  }
  std::string refusal(const std::string& path) {
    auto loaded = rig().engine->load(path);
    return loaded.has_value() ? "loaded" : loaded.error().message();
  }
  void expect_a_good_guest_works() {
    EXPECT_THAT(run({.module = "passthrough"}, "42").output, ::testing::HasSubstr("\"payload\":42"));
  }

 private:
  std::unique_ptr<Rig> rig_;
};

}  // namespace fiso::wasm::testing

#include "wasm/worker/worker_engine.h"

#include <gtest/gtest.h>

#include "wasm/worker/testing/worker_under_test.h"

namespace fiso::wasm::testing {
namespace {

std::string ending_with_stack(Bytes stack) {
  Rig rig([stack](const EngineHost& host) { return worker::testing::make_worker_with_stack(host, stack); }, {});
  RunningGuest guest(rig, {.module = "recurse_2000"});
  return verdict(guest.run(envelope("1")));
}

TEST(WorkerEngineTest, AGuestHasTheStackOfTheSettings) {
  EXPECT_EQ(ending_with_stack(64_KiB), "wasm trap: call stack exhausted");
  EXPECT_EQ(ending_with_stack(1_MiB), "ok");
}

}  // namespace
}  // namespace fiso::wasm::testing

// The instance pool over real guests, those in Go included, and fresh instances by the thousand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "wasm/light/testing/light_under_test.h"
#include "wasm/testing/repeat.h"

namespace fiso::wasm::light {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_light;
using wasm::testing::envelope;
using wasm::testing::expect_no_more_than;
using wasm::testing::Footprint;
using wasm::testing::is_long_run;
using wasm::testing::Judge;
using wasm::testing::Repeater;
using wasm::testing::Rig;
using wasm::testing::RunningGuest;
using wasm::testing::verdict;

Rig light_rig(unsigned shards = 1) {
  return Rig([](const wasm::testing::EngineHost& host) { return make_light(host); }, {.shards = shards});
}

// With make's FISO_NO_GO=1 there are none.
#define FISO_NEEDS_GO_GUEST(name) \
  if (!std::filesystem::exists(wasm::testing::guest_path(name))) GTEST_SKIP() << name << " was not built"

Judge ok_with(std::string text) {
  return [text = std::move(text)](const RunResult& result) -> std::optional<std::string> {
    if (result.outcome == Outcome::kOk && result.output.find(text) != std::string::npos) return std::nullopt;
    return verdict(result) + ", output " + result.output.substr(0, 1000);
  };
}

TEST(LightPool, AGuestInGoAnswers) {
  FISO_NEEDS_GO_GUEST("passthrough_go");
  Rig rig = light_rig();
  RunningGuest guest(rig, {.module = "passthrough_go"});
  EXPECT_EQ(Repeater::run(rig, guest, envelope("{\"a\":1}"), {.times = 20, .at_once = 4}, ok_with("{\"a\":1}")), "");
}

TEST(LightPool, AGuestInGoIsStartedAhead) {
  FISO_NEEDS_GO_GUEST("enrich_go");
  Rig rig = light_rig();
  RunningGuest guest(rig, {.module = "enrich_go", .pool = {.execution = Execution::kPooled, .size = 2}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(guest.parks(2));
    EXPECT_THAT(guest.run(envelope("{\"a\":1}")).output, HasSubstr("\"wasm_enriched\":true"));
  }
}

TEST(LightPool, AGuestInGoReadsItsInputAsAFile) {
  FISO_NEEDS_GO_GUEST("enrich_stdin_file_go");
  Rig rig = light_rig();
  wasi::GuestOptions options{.args = {"guest", "--stdin-file", std::string(wasi::kInputFilePath)}, .stdin_file = true};
  RunningGuest fresh(rig, {.module = "enrich_stdin_file_go", .wasi = options});
  RunningGuest ahead(rig,
                     {.module = "enrich_stdin_file_go", .wasi = options, .pool = {.execution = Execution::kPooled, .size = 1}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(fresh.run(envelope("{\"a\":1}")).output, HasSubstr("\"wasm_enriched\":true"));
    ASSERT_TRUE(ahead.parks(1));
    EXPECT_THAT(ahead.run(envelope("{\"a\":1}")).output, HasSubstr("\"wasm_enriched\":true"));
  }
}

TEST(LightPool, AGuestInGoThatLoopsServesSeveralRuns) {
  FISO_NEEDS_GO_GUEST("ndjson_go");
  Rig rig = light_rig();
  RunningGuest guest(rig, {.module = "ndjson_go", .pool = {.execution = Execution::kPooled, .size = 1, .max_requests = 3}});
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(guest.parks(1));
    EXPECT_THAT(guest.run(envelope("{}") + "\n").output, HasSubstr("\"served\":" + std::to_string(i % 3 + 1)));
  }
}

TEST(LightPool, GuestsMixOnTwoShards_Long) {
  Rig rig = light_rig(2);
  RunningGuest loops(rig, {.module = "ndjson", .pool = {.execution = Execution::kPooled, .size = 4, .max_requests = 5}});
  RunningGuest ahead(rig, {.module = "enrich", .pool = {.execution = Execution::kPooled, .size = 4}});
  RunningGuest fresh(rig, {.module = "passthrough"});
  RunningGuest traps(rig, {.module = "trap_oob"});
  RunningGuest hangs(rig, {.module = "loop", .limits = {.timeout = std::chrono::milliseconds(5)}});
  Judge any_end = [](const RunResult&) { return std::nullopt; };
  int rounds = is_long_run() ? 200 : 5;
  for (int i = 0; i < rounds; ++i) {
    EXPECT_EQ(Repeater::run(rig, loops, envelope("{}") + "\n", {.times = 40, .at_once = 6}, ok_with("\"served\":")), "");
    EXPECT_EQ(Repeater::run(rig, ahead, envelope("{}"), {.times = 40, .at_once = 6}, ok_with("\"wasm_enriched\":true")), "");
    EXPECT_EQ(Repeater::run(rig, fresh, envelope("5"), {.times = 40, .at_once = 6}, ok_with("\"payload\":5")), "");
    EXPECT_EQ(Repeater::run(rig, traps, envelope("5"), {.times = 40, .at_once = 6}, any_end), "");
    EXPECT_EQ(Repeater::run(rig, hangs, envelope("5"), {.times = 6, .at_once = 6}, any_end), "");
  }
  EXPECT_TRUE(loops.parks(4));
  EXPECT_TRUE(ahead.parks(4));
}

TEST(LightPool, FreshInstancesLeaveNothingBehind_Long) {
  Rig rig = light_rig(2);
  RunningGuest guest(rig, {.module = "passthrough"});
  Judge good = ok_with("\"payload\":{\"order\":17}");
  std::string input = envelope("{\"order\":17}");
  EXPECT_EQ(Repeater::run(rig, guest, input, {.times = 2000, .at_once = 8}, good), "");
  Footprint before = Footprint::now();
  EXPECT_EQ(Repeater::run(rig, guest, input, {.times = is_long_run() ? 200'000 : 5000, .at_once = 8}, good), "");
  EXPECT_TRUE(rig.becomes_idle());
  expect_no_more_than(before);
}

}  // namespace
}  // namespace fiso::wasm::light

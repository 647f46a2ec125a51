// The contract of any engine: outcomes, deadlines, parking, several runs of one instance, guests side by side.
#pragma once

#include "async/signal.h"
#include "wasm/testing/engine_under_test.h"

namespace fiso::wasm::testing {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class EngineBasics : public EngineSuite {
 protected:
  static constexpr Limits kNoTimeout{.timeout = std::chrono::hours(1)};

  // Drives one instance by hand, on the first shard.
  template <class Body>
  void with_instance(const std::string& guest, Body body) {
    auto setup = make_setup({.module = guest, .pool = {.execution = Execution::kPooled}});
    auto module = prepare(*rig().load(guest), setup);
    async::Shard& shard = rig().shards[0];
    ::fiso::testing::run_task(shard, [&]() -> Task<> {
      auto instance = module->instantiate(shard, setup);
      co_await body(*instance);
    });
    EXPECT_TRUE(rig().becomes_idle());
  }
  static Task<RunResult> give(Instance& instance, std::string text, AfterInput after) {
    std::string_view piece = text;
    co_return co_await instance.run({.input = {&piece, 1}}, after);
  }
  // When the caller next waits.
  void stop_soon(Instance& instance) {
    rig().shards[0].post([&instance] { instance.stop(); });
  }
  // Starts a run beside the caller, which must be on the first shard; `order` gets its name when it has ended.
  void start(RunningGuest& guest, std::string name, std::string payload, std::vector<std::string>& order) {
    async::spawn(rig().shards[0], run_and_note(guest, std::move(name), envelope(payload), order));
  }
  static Task<> run_and_note(RunningGuest& guest, std::string name, std::string input, std::vector<std::string>& order) {
    RunResult result = co_await guest.run_here(input);
    order.push_back(name + " " + std::string(to_string(result.outcome)));
  }
  static Task<> wait_for(std::vector<std::string>& order, size_t count) {
    while (order.size() < count) co_await async::sleep_until(std::chrono::steady_clock::now() + milliseconds(1));
  }
};

TEST_P(EngineBasics, AnswersWithWhatTheGuestWrote) {
  RunResult result = run({.module = "passthrough"}, "{\"a\":[1,2.50,\"x\"]}");
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.output, "{\"payload\":{\"a\":[1,2.50,\"x\"]},\"headers\":{}}");
}

TEST_P(EngineBasics, ExitCodeZeroIsSuccess) {
  RunResult result = run({.module = "exit_0"});
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.output, "");
}

TEST_P(EngineBasics, OtherExitCodesAreTold) {
  EXPECT_EQ(ends({.module = "exit_1"}), "module closed with exit_code(1)");
  EXPECT_EQ(ends({.module = "exit_255"}), "module closed with exit_code(255)");
  EXPECT_EQ(ends({.module = "partial_then_exit"}), "module closed with exit_code(1)");
}

// 45 and 129 are what wasmer-wasix makes of traps, 134 and 139 what shells make of SIGABRT and SIGSEGV.
TEST_P(EngineBasics, AnExitCodeThatLooksLikeATrapOrASignalIsAnExitCode) {
  for (const char* code : {"45", "129", "134", "139"}) {
    std::string end = std::string("module closed with exit_code(") + code + ")";
    EXPECT_EQ(ends({.module = std::string("exit_") + code}), end);
  }
}

TEST_P(EngineBasics, ATrapIsTold) {
  EXPECT_EQ(ends({.module = "trap_unreachable"}), "wasm trap: unreachable");
  EXPECT_EQ(ends({.module = "partial_then_trap"}), "wasm trap: unreachable");
}

TEST_P(EngineBasics, ATrapInTheStartSectionIsTold) { EXPECT_EQ(ends({.module = "trap_start"}), "wasm trap: unreachable"); }

TEST_P(EngineBasics, AGuestIsStoppedAtItsTimeout) {
  EXPECT_EQ(ends({.module = "loop", .limits = {.timeout = milliseconds(50)}}), "wasm execution timeout after 50ms");
}

TEST_P(EngineBasics, AGuestIsStoppedInItsStartSection) {
  EXPECT_EQ(ends({.module = "loop_start", .limits = {.timeout = milliseconds(50)}}), "wasm execution timeout after 50ms");
}

TEST_P(EngineBasics, AGuestIsStoppedAfterItHasReadItsInput) {
  EXPECT_EQ(ends({.module = "reads_then_hangs", .limits = {.timeout = milliseconds(50)}}), "wasm execution timeout after 50ms");
}

TEST_P(EngineBasics, AGuestIsStoppedWhileItSleeps) {
  EXPECT_EQ(ends({.module = "sleeper", .limits = {.timeout = milliseconds(50)}}, "3600000"), "wasm execution timeout after 50ms");
}

TEST_P(EngineBasics, InputNeedNotBeRead) {
  EXPECT_THAT(run({.module = "never_reads_stdin"}).output, HasSubstr("\"read\":false"));
}

TEST_P(EngineBasics, OutputIsNotJudged) {
  EXPECT_EQ(run({.module = "not_json"}).output, "this is not JSON\n");
  EXPECT_EQ(run({.module = "empty_output"}).output, "");
}

TEST_P(EngineBasics, TooMuchOutputIsTold) {
  EXPECT_EQ(ends({.module = "stdout_gib", .limits = {.output = 1_MiB}}), "wasm output is larger than 1MiB");
}

TEST_P(EngineBasics, AMissingModuleIsNamed) {
  auto loaded = rig().engine->load("/no/such/module.wasm");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().message(), StartsWith("module path not accessible: /no/such/module.wasm"));
}

TEST_P(EngineBasics, AParkedGuestWaitsForItsInput) {
  with_instance("passthrough", [](Instance& guest) -> Task<> {
    RunResult parked = co_await guest.park(nullptr);
    EXPECT_EQ(parked.outcome, Outcome::kOk);
    EXPECT_TRUE(guest.waiting());
    RunResult result = co_await give(guest, envelope("7"), AfterInput::kEnd);
    EXPECT_THAT(result.output, HasSubstr("\"payload\":7"));
    EXPECT_FALSE(guest.waiting());
  });
}

TEST_P(EngineBasics, AGuestThatReadsNothingCannotBeParked) {
  with_instance("never_reads_stdin", [](Instance& guest) -> Task<> {
    (void)co_await guest.park(nullptr);
    EXPECT_FALSE(guest.waiting());
  });
}

TEST_P(EngineBasics, ParkingEndsAtTheTimeoutToo) {
  auto setup = make_setup({.module = "", .limits = {.timeout = milliseconds(20)}, .pool = {.execution = Execution::kPooled}});
  auto module = prepare(*rig().load("loop_start"), setup);
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    auto guest = module->instantiate(rig().shards[0], setup);
    EXPECT_EQ((co_await guest->park(nullptr)).outcome, Outcome::kTimeout);
    EXPECT_FALSE(guest->waiting());
  });
}

TEST_P(EngineBasics, AGuestIsStoppedWhileItIsStarted) {
  auto setup = make_setup({.module = "", .limits = kNoTimeout, .pool = {.execution = Execution::kPooled}});
  auto module = prepare(*rig().load("loop_start"), setup);
  async::Shard& shard = rig().shards[0];
  ::fiso::testing::run_task(shard, [&]() -> Task<> {
    auto guest = module->instantiate(shard, setup);
    stop_soon(*guest);
    EXPECT_EQ((co_await guest->park(nullptr)).outcome, Outcome::kTimeout);
    EXPECT_FALSE(guest->waiting());
  });
}

TEST_P(EngineBasics, AGuestIsStoppedWhileItRuns) {
  auto setup = make_setup({.module = "", .limits = kNoTimeout});
  auto module = prepare(*rig().load("reads_then_hangs"), setup);
  async::Shard& shard = rig().shards[0];
  ::fiso::testing::run_task(shard, [&]() -> Task<> {
    auto guest = module->instantiate(shard, setup);
    stop_soon(*guest);
    EXPECT_EQ((co_await give(*guest, "1", AfterInput::kEnd)).outcome, Outcome::kTimeout);
  });
}

TEST_P(EngineBasics, StoppingAGuestThatWaitsChangesNothing) {
  with_instance("passthrough", [](Instance& guest) -> Task<> {
    (void)co_await guest.park(nullptr);
    guest.stop();
    RunResult result = co_await give(guest, envelope("7"), AfterInput::kEnd);
    EXPECT_THAT(result.output, HasSubstr("\"payload\":7"));
  });
}

TEST_P(EngineBasics, AGuestThatLoopsServesSeveralRuns) {
  with_instance("ndjson", [](Instance& guest) -> Task<> {
    for (int i = 1; i <= 5; ++i) {
      RunResult result = co_await give(guest, envelope("{}") + "\n", AfterInput::kMore);
      EXPECT_THAT(result.output, HasSubstr("\"served\":" + std::to_string(i)));
      EXPECT_TRUE(guest.waiting());
    }
    RunResult last = co_await give(guest, envelope("{}") + "\n", AfterInput::kEnd);
    EXPECT_THAT(last.output, HasSubstr("\"served\":6"));
    EXPECT_FALSE(guest.waiting());
  });
}

TEST_P(EngineBasics, AGuestThatReadsToTheEndIsGivenIt) {
  with_instance("passthrough", [](Instance& guest) -> Task<> {
    RunResult result = co_await give(guest, envelope("7"), AfterInput::kMore);
    EXPECT_THAT(result.output, HasSubstr("\"payload\":7"));
    EXPECT_FALSE(guest.waiting());
  });
}

TEST_P(EngineBasics, AnInstanceMayGoAtAnyPoint) {
  with_instance("passthrough", [](Instance&) -> Task<> { co_return; });
  with_instance("passthrough", [](Instance& guest) -> Task<> { (void)co_await guest.park(nullptr); });
  with_instance("ndjson", [](Instance& guest) -> Task<> {
    (void)co_await give(guest, envelope("{}") + "\n", AfterInput::kMore);
    EXPECT_TRUE(guest.waiting());
  });
  expect_a_good_guest_works();
}

TEST_P(EngineBasics, AGuestThatComputesDoesNotHoldUpItsShard) {
  RunningGuest slow(rig(), {.module = "loop", .limits = {.timeout = std::chrono::seconds(1)}});
  RunningGuest quick(rig(), {.module = "passthrough"});
  std::vector<std::string> order;
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    start(slow, "slow", "1", order);
    for (int i = 0; i < 20; ++i) start(quick, "quick", "1", order);
    co_await wait_for(order, 21);
  });
  EXPECT_EQ(order.back(), "slow timeout");
  EXPECT_EQ(std::count(order.begin(), order.end(), "quick ok"), 20);
}

TEST_P(EngineBasics, AGuestThatSleepsDoesNotHoldUpItsShard) {
  RunningGuest slow(rig(), {.module = "sleeper"});
  RunningGuest quick(rig(), {.module = "passthrough"});
  std::vector<std::string> order;
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    start(slow, "slow", "1000", order);
    for (int i = 0; i < 20; ++i) start(quick, "quick", "1", order);
    co_await wait_for(order, 21);
  });
  EXPECT_EQ(order.back(), "slow ok");
}

TEST_P(EngineBasics, GuestsAreStoppedInTheOrderOfTheirTimeouts) {
  RunningGuest patient(rig(), {.module = "loop", .limits = {.timeout = std::chrono::seconds(1)}});
  RunningGuest hasty(rig(), {.module = "loop", .limits = {.timeout = milliseconds(20)}});
  std::vector<std::string> order;
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    start(patient, "patient", "1", order);
    start(hasty, "hasty", "1", order);
    co_await wait_for(order, 2);
  });
  EXPECT_THAT(order, ElementsAre("hasty timeout", "patient timeout"));
}

TEST_P(EngineBasics, EveryShardRunsGuests) {
  rig({.shards = 3});
  RunningGuest guest(rig(), {.module = "passthrough"});
  for (unsigned shard = 0; shard < 3; ++shard) EXPECT_THAT(guest.run(envelope("5"), shard).output, HasSubstr("\"payload\":5"));
  Judge good = [](const RunResult& result) {
    return result.outcome == Outcome::kOk ? std::nullopt : std::optional(verdict(result));
  };
  EXPECT_EQ(Repeater::run(rig(), guest, envelope("1"), {.times = 300, .at_once = 12}, good), "");
  EXPECT_TRUE(rig().becomes_idle());
}

TEST_P(EngineBasics, PooledGuestsAreStartedAhead) {
  RunningGuest guest(rig(), {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 3}});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(guest.parks(3));
    EXPECT_THAT(guest.run(envelope("5")).output, HasSubstr("\"payload\":5"));
  }
}

TEST_P(EngineBasics, PooledGuestsThatLoopServeSeveralRuns) {
  RunningGuest guest(rig(), {.module = "ndjson", .pool = {.execution = Execution::kPooled, .size = 1, .max_requests = 3}});
  std::vector<std::string> served;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(guest.parks(1));
    std::string output = guest.run(envelope("{}") + "\n").output;
    served.push_back(output.substr(output.find("\"served\":"), 10));
  }
  EXPECT_THAT(served,
              ElementsAre("\"served\":1", "\"served\":2", "\"served\":3", "\"served\":1", "\"served\":2", "\"served\":3"));
}

TEST_P(EngineBasics, PooledGuestsThatReadToTheEndServeOneRunEach) {
  RunningGuest guest(rig(), {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 1, .max_requests = 9}});
  for (int i = 0; i < 5; ++i) EXPECT_THAT(guest.run(envelope("5")).output, HasSubstr("\"payload\":5"));
}

TEST_P(EngineBasics, PooledGuestsThatReadNothingAnswerToo) {
  RunningGuest guest(rig(),
                     {.module = "never_reads_stdin", .pool = {.execution = Execution::kPooled, .size = 2, .max_requests = 9}});
  for (int i = 0; i < 5; ++i) EXPECT_THAT(guest.run(envelope("5")).output, HasSubstr("\"read\":false"));
  EXPECT_EQ(guest.parked(), 0);
}

}  // namespace fiso::wasm::testing

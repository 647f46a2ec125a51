// The contract of an engine that runs WebAssembly: what guests see of the host, and of each other.
#pragma once

#include <set>

#include "wasm/testing/engine_under_test.h"
#include "wasm/testing/module_bytes.h"
#include "wasm/wasi/testing/fake_guest.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::testing {

class EngineHostCalls : public EngineSuite {
 protected:
  void SetUp() override { FISO_NEEDS(kGuestCode); }

  static RunResult run_on(RunningGuest& guest, unsigned shard, const std::string& payload) {
    return guest.run(envelope(payload), shard);
  }

  wasi::testing::ScratchDirectory scratch_;
};

TEST_P(EngineHostCalls, ArgumentsAndEnvironmentAreWhatWasConfigured) {
  setenv("FISO_SECRET_OF_THE_HOST", "leaked", 1);
  std::string output =
      run({.module = "env_args", .wasi = {.args = {"guest.wasm", "--flag", "a b"}, .env = {{"LANG", "C"}, {"EMPTY", ""}}}})
          .output;
  EXPECT_THAT(output,
              ::testing::HasSubstr("{\"args\":[\"guest.wasm\",\"--flag\",\"a b\"],\"env\":{\"LANG\":\"C\",\"EMPTY\":\"\"}}"));
  EXPECT_THAT(output, ::testing::Not(::testing::HasSubstr("leaked")));
}

TEST_P(EngineHostCalls, NothingIsConfiguredByDefault) {
  FISO_NEEDS(kOwnWasi);
  EXPECT_THAT(run({.module = "env_args"}).output, ::testing::HasSubstr("{\"args\":[],\"env\":{}}"));
}

TEST_P(EngineHostCalls, RandomnessDiffersBetweenRuns) {
  std::set<std::string> outputs;
  RunningGuest guest(rig(), {.module = "clock_random"});
  for (int i = 0; i < 20; ++i) {
    std::string output = guest.run(envelope("1")).output;
    size_t at = output.find("\"random\":\"");
    ASSERT_NE(at, std::string::npos) << output;
    outputs.insert(output.substr(at + 10, 32));
  }
  EXPECT_EQ(outputs.size(), 20u);
}

TEST_P(EngineHostCalls, ClocksAreReal) {
  auto number_after = [](const std::string& text, const std::string& name) {
    return std::stoll(text.substr(text.find("\"" + name + "\":") + name.size() + 3));
  };
  auto wall = [] { return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count(); };
  RunningGuest guest(rig(), {.module = "clock_random"});
  long long before = wall();
  std::string first = guest.run(envelope("1")).output, second = guest.run(envelope("1")).output;
  EXPECT_LE(before, number_after(first, "realtime_ns"));
  EXPECT_LE(number_after(second, "realtime_ns"), wall());
  EXPECT_LT(number_after(first, "monotonic_ns"), number_after(second, "monotonic_ns"));
}

TEST_P(EngineHostCalls, AParkedGuestSeesTheTimeOfItsInput) {
  RunningGuest guest(rig(), {.module = "parked_state", .pool = {.execution = Execution::kPooled, .size = 1}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.parks(1));
    long long before = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    std::string output = guest.run(envelope("1")).output;
    EXPECT_THAT(output, ::testing::HasSubstr("\"starts\":1,"));
    auto moment = [&](const char* name) {
      return std::stoll(output.substr(output.find("\"realtime_ns\":", output.find(name)) + 14));
    };
    EXPECT_LE(moment("\"start\""), before);
    EXPECT_GE(moment("\"read\""), before);
  }
}

TEST_P(EngineHostCalls, TheInputIsAFileToo) {
  GuestSpec spec{.module = "enrich_stdin_file",
                 .wasi = {.args = {"guest", "--stdin-file", std::string(wasi::kInputFilePath)}, .stdin_file = true}};
  EXPECT_THAT(run(spec, "{\"a\":1}").output, ::testing::HasSubstr("\"wasm_enriched\":true"));
  EXPECT_EQ(ends({.module = "enrich_stdin_file"}), "module closed with exit_code(2)");
  spec.wasi.args.back() = "/stdin/other";
  EXPECT_EQ(ends(spec), "module closed with exit_code(70)");
}

TEST_P(EngineHostCalls, AGuestThatReadsItsInputAsAFileIsParkedThere) {
  GuestSpec spec{.module = "enrich_stdin_file",
                 .wasi = {.args = {"guest", "--stdin-file", std::string(wasi::kInputFilePath)}, .stdin_file = true},
                 .pool = {.execution = Execution::kPooled, .size = 1}};
  RunningGuest guest(rig(), spec);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(guest.parks(1));
    EXPECT_THAT(guest.run(envelope("{\"a\":1}")).output, ::testing::HasSubstr("\"wasm_enriched\":true"));
  }
}

TEST_P(EngineHostCalls, LargeInputArrivesWhole) {
  RunningGuest guest(rig(), {.module = "passthrough"});
  for (size_t size : {1u << 10, 16u << 10, 64u << 10, 1u << 20, 5u << 20}) {
    std::string payload = "\"" + std::string(size, 'x') + "\"";
    RunResult result = guest.run(envelope(payload));
    EXPECT_EQ(result.output, "{\"payload\":" + payload + ",\"headers\":{}}") << size;
  }
}

TEST_P(EngineHostCalls, InputComesInPieces) {
  auto share = rig().make_share({.module = "passthrough"});
  std::string output = ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<std::string> {
    auto pool = std::make_shared<InstancePool>(rig().shards[0], rig().capacity, share);
    std::string_view pieces[] = {"{\"payload\":", "", "\"in\\u0020pieces\"", ",\"headers\":", "{}}"};
    RunResult result = co_await pool->run({.input = pieces});
    co_return std::move(result.output);
  });
  EXPECT_EQ(output, "{\"payload\":\"in\\u0020pieces\",\"headers\":{}}");
}

TEST_P(EngineHostCalls, StandardStreamsAreNeitherFilesNorTerminals) {
  FISO_NEEDS(kOwnWasi);
  std::string output = run({.module = "stdio"}).output;
  EXPECT_THAT(output, ::testing::HasSubstr("70"));
  EXPECT_THAT(output, ::testing::HasSubstr("\"first_preopen\":-1"));
}

TEST_P(EngineHostCalls, StderrIsCutIntoLinesThatAreSafeToLog) {
  wasi::testing::CollectedLines lines;
  RunningGuest guest(rig(), {.module = "stderr_lines"});
  EXPECT_EQ(guest.run(envelope("3"), 0, &lines).outcome, Outcome::kOk);
  ASSERT_EQ(lines.lines.size(), 8u);
  EXPECT_EQ(lines.lines[0], "line 1");
  EXPECT_EQ(lines.lines[2], "line 3");
  EXPECT_EQ(lines.lines[3], "");
  EXPECT_EQ(lines.lines[4], "escape \\x1b[31mred\\x1b[0m bell \\x07 nul \\x00 tab \\t return \\x0d end");
  EXPECT_EQ(lines.lines[5], "not utf-8 \\xff\\xfe\\xc3( end");
  EXPECT_THAT(lines.lines[6], ::testing::EndsWith("xxx [line cut]"));
  EXPECT_LE(lines.lines[6].size(), 4096 + 11);
  EXPECT_EQ(lines.lines[7], "unfinished");
}

TEST_P(EngineHostCalls, StderrIsCapped) {
  wasi::testing::CollectedLines lines;
  RunningGuest guest(rig(), {.module = "stderr_lines"});
  EXPECT_EQ(guest.run(envelope("5000"), 0, &lines).outcome, Outcome::kOk);
  EXPECT_LE(lines.lines.size(), 257u);
  EXPECT_EQ(lines.lines.back(), "[further lines of this run are dropped]");
}

TEST_P(EngineHostCalls, StderrWithoutAnEndIsCappedUntilTheTimeout) {
  wasi::testing::CollectedLines lines;
  RunningGuest guest(rig(), {.module = "stderr_endless", .limits = {.timeout = std::chrono::milliseconds(50)}});
  EXPECT_EQ(guest.run(envelope("1"), 0, &lines).outcome, Outcome::kTimeout);
  EXPECT_LE(lines.lines.size(), 257u);
}

TEST_P(EngineHostCalls, WhatAGuestSaysWhileItIsStartedIsTold) {
  wasi::testing::CollectedLines start, run;
  auto setup = make_setup({.module = "", .pool = {.execution = Execution::kPooled}});
  auto module = prepare(*rig().load("slow_start"), setup);
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    auto guest = module->instantiate(rig().shards[0], setup);
    EXPECT_EQ((co_await guest->park(&start)).outcome, Outcome::kOk);
    std::string input = envelope("1");
    std::string_view piece = input;
    RunResult result = co_await guest->run({.input = {&piece, 1}, .stderr_lines = &run}, AfterInput::kEnd);
    EXPECT_EQ(result.outcome, Outcome::kOk);
  });
  EXPECT_THAT(start.lines, ::testing::ElementsAre("starting", "and sleeping"));
  EXPECT_THAT(run.lines, ::testing::IsEmpty());
}

TEST_P(EngineHostCalls, AGuestThatSleepsIsStoppedAtOnce) {
  auto setup = make_setup({.module = "",
                           .wasi = {.args = {"slow_start", "3600000"}},
                           .limits = {.timeout = std::chrono::hours(2)},
                           .pool = {.execution = Execution::kPooled}});
  auto module = prepare(*rig().load("slow_start"), setup);
  ::fiso::testing::run_task(rig().shards[0], [&]() -> Task<> {
    auto guest = module->instantiate(rig().shards[0], setup);
    rig().shards[0].post([&] { guest->stop(); });
    EXPECT_EQ((co_await guest->park(nullptr)).outcome, Outcome::kTimeout);
  });
}

TEST_P(EngineHostCalls, ASleepLastsAsLongAsItSays) {
  std::string output = run({.module = "sleeper"}, "20").output;
  EXPECT_GE(std::stoll(output.substr(output.find("\"slept_ms\":") + 11)), 19) << output;
}

TEST_P(EngineHostCalls, APollThatIsNotToWaitEndsAtOnce) {
  RunResult result = run({.module = "poll_now"}, "1");
  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_THAT(result.output, ::testing::HasSubstr("\"none\":0,"));
}

TEST_P(EngineHostCalls, NothingOfOneInstanceIsVisibleToTheNext) {
  rig({.shards = 2});
  RunningGuest guest(rig(), {.module = "secret"});
  for (int i = 0; i < 10; ++i) {
    unsigned shard = static_cast<unsigned>(i) % 2;
    EXPECT_THAT(run_on(guest, shard, "{\"plant\":\"xyzzy-plugh-4711\"}").output, ::testing::HasSubstr("\"planted\":"));
    for (unsigned where : {shard, 1 - shard})
      EXPECT_THAT(run_on(guest, where, "{\"look\":\"xyzzy-plugh-4711\"}").output, ::testing::HasSubstr("\"found\":0,"));
  }
}

TEST_P(EngineHostCalls, NothingOfOneGuestIsVisibleToAnother) {
  RunningGuest guest(rig(), {.module = "secret"});
  RunningGuest passes(rig(), {.module = "passthrough"});
  std::string secret = "\"" + std::string(100'000, 's') + "xyzzy-plugh-4712" + "\"";
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(passes.run(envelope(secret)).outcome, Outcome::kOk);
    EXPECT_THAT(guest.run(envelope("{\"look\":\"xyzzy-plugh-4712\"}")).output, ::testing::HasSubstr("\"found\":0,"));
  }
}

TEST_P(EngineHostCalls, NothingOfAKilledInstanceIsVisibleToTheNext) {
  RunningGuest guest(rig(), {.module = "secret"});
  RunningGuest hangs(rig(), {.module = "reads_then_hangs", .limits = {.timeout = std::chrono::milliseconds(20)}});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(hangs.run(envelope("\"xyzzy-plugh-4713\"")).outcome, Outcome::kTimeout);
    EXPECT_THAT(guest.run(envelope("{\"look\":\"xyzzy-plugh-4713\"}")).output, ::testing::HasSubstr("\"found\":0,"));
  }
}

TEST_P(EngineHostCalls, PooledInstancesSeeNothingOfEachOther) {
  RunningGuest guest(rig(), {.module = "secret", .pool = {.execution = Execution::kPooled, .size = 2}});
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(guest.parks(2));
    EXPECT_THAT(guest.run(envelope("{\"plant\":\"xyzzy-plugh-4714\"}")).output, ::testing::HasSubstr("\"planted\":"));
    EXPECT_THAT(guest.run(envelope("{\"look\":\"xyzzy-plugh-4714\"}")).output, ::testing::HasSubstr("\"found\":0,"));
  }
}

TEST_P(EngineHostCalls, MemoryOverItsLimitIsRefused) {
  GuestSpec spec{.module = "memory_bomb", .limits = {.memory = 16_MiB}};
  EXPECT_EQ(ends(spec), "wasm memory limit of 16MiB reached");
  spec.module = "memory_bomb_trap";
  EXPECT_EQ(ends(spec), "wasm memory limit of 16MiB reached");
}

TEST_P(EngineHostCalls, AModuleThatDeclaresMoreThanItsLimitIsNotStarted) {
  rig({.capacity = {.instances = 8, .queue = 8, .memory = 8_GiB}});
  EXPECT_EQ(ends({.module = "memory_declares_4gib"}), "wasm memory limit of 256MiB reached");
}

TEST_P(EngineHostCalls, MemoryIsChargedToTheTotalAsGuestsGrow) {
  rig({.capacity = {.instances = 8, .queue = 8, .memory = 16_MiB}});
  RunResult result = run({.module = "memory_bomb", .limits = {.memory = 1_GiB}});
  EXPECT_EQ(result.outcome, Outcome::kExhausted);
  EXPECT_EQ(to_error(result, {}).code(), ErrorCode::kOverloaded);
  EXPECT_TRUE(rig().becomes_idle());
  expect_a_good_guest_works();
}

TEST_P(EngineHostCalls, ARunThatIsRefusedMemoryMakesRoomForTheNext) {
  rig({.capacity = {.instances = 8, .queue = 8, .memory = 16_MiB}});
  RunningGuest idle(
      rig(), {.module = "passthrough", .pool = {.execution = Execution::kPooled, .size = 1, .patience = std::chrono::hours(1)}});
  ASSERT_TRUE(idle.parks(1));
  EXPECT_EQ(run({.module = "memory_bomb", .limits = {.memory = 1_GiB}}).outcome, Outcome::kExhausted);
  EXPECT_TRUE(idle.parks(0));
}

TEST_P(EngineHostCalls, OutputIsChargedToTheTotalAsItGrows) {
  rig({.capacity = {.instances = 8, .queue = 8, .memory = 8_MiB}});
  RunResult result = run({.module = "stdout_gib", .limits = {.output = 1_GiB}});
  EXPECT_EQ(result.outcome, Outcome::kExhausted);
  EXPECT_LE(result.output.size(), (8_MiB).count);
  EXPECT_TRUE(rig().becomes_idle());
  expect_a_good_guest_works();
}

TEST_P(EngineHostCalls, OutputThatIsParkedIsCharged) {
  using namespace code;
  // Writes the 1 MiB that its memory has, then waits for input.
  std::string vector = number(0) + number(0) + kStore + number(4) + number(1 << 20) + kStore;
  std::string write = number(1) + number(0) + number(1) + number(16) + call(1) + kDrop;
  std::string read = number(0) + number(0) + number(1) + number(16) + call(0) + kDrop;
  scratch_.write("module.wasm", command_module(16, vector + write + vector + read));
  RunningGuest guest(rig(), {.module = scratch_.path("module.wasm"), .pool = {.execution = Execution::kPooled, .size = 1}});
  ASSERT_TRUE(guest.parks(1));
  EXPECT_EQ(rig().capacity.memory.in_use(), (2_MiB).count - wasi::kFreeOutput.count);
  EXPECT_EQ(guest.run("x").output.size(), (1_MiB).count);
}

TEST_P(EngineHostCalls, AMemoryThatStartsEmptyIsChargedToo) {
  using namespace code;
  rig({.capacity = {.instances = 8, .queue = 8, .memory = 16_MiB}});
  scratch_.write("module.wasm", command_module(0, number(16'000) + kGrow + number(-1) + kEqual + when(kUnreachable)));
  RunResult result = run({.module = scratch_.path("module.wasm"), .limits = {.memory = 2_GiB}});
  EXPECT_EQ(result.outcome, Outcome::kExhausted);
  EXPECT_TRUE(rig().becomes_idle());
}

// Reads a byte, asks for more memory than it may have, answers, reads another byte and traps.
TEST_P(EngineHostCalls, ARefusalOfMemoryIsNotBlamedForALaterRun) {
  using namespace code;
  std::string vector = number(0) + number(64) + kStore + number(4) + number(1) + kStore;
  std::string read = number(0) + number(0) + number(1) + number(16) + call(0) + kDrop;
  std::string write = number(1) + number(0) + number(1) + number(16) + call(1) + kDrop;
  scratch_.write("module.wasm", command_module(1, vector + read + number(16'000) + kGrow + kDrop + write + read + kUnreachable));
  RunningGuest guest(rig(), {.module = scratch_.path("module.wasm"),
                             .limits = {.memory = 1_MiB},
                             .pool = {.execution = Execution::kPooled, .size = 1, .max_requests = 2}});
  ASSERT_TRUE(guest.parks(1));
  EXPECT_EQ(guest.run("\n").output, "\n");
  EXPECT_EQ(verdict(guest.run("b")), "wasm trap: unreachable");
}

}  // namespace fiso::wasm::testing

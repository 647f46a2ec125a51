#include "components/interceptors/wasm/wasm_interceptor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "async/testing/run_task.h"
#include "base/testing/fake_caller.h"
#include "components/process_network.h"
#include "core/testing/fakes.h"
#include "observe/testing/captured_log.h"
#include "wasm/testing/fake_engine.h"
#include "wasm/testing/guest_rig.h"

namespace fiso::interceptors {
namespace {

using testing::make_event;
using testing::run_task;
using wasm::Outcome;
using wasm::RunResult;

class WasmInterceptorTest : public ::testing::Test {
 protected:
  WasmInterceptorTest() {
    resources_.add(capacity_);
    resources_.add(runtimes_);
    resources_.add(network_);
  }
  ~WasmInterceptorTest() override {
    shards_.run_on(0, [&](async::Shard&) { interceptor_.reset(); });
    plan_.reset();
    EXPECT_TRUE(wasm::testing::eventually(shards_, [&] { return capacity_.configured_guests == 0; }));
  }

  // An interceptor whose guest is `serve`; `more` are further lines of its configuration.
  void make(wasm::testing::FakeServe serve, const std::string& more = "") {
    make_program({.reads = wasm::testing::FakeReads::kToEnd, .serve = std::move(serve), .start_up = {}}, more);
  }
  void make_program(wasm::testing::FakeProgram program, const std::string& more = "") {
    engine_.add("/m/guest.wasm", std::move(program));
    config::Errors errors;
    auto document = config::Document::parse("module: /m/guest.wasm\n" + more, "x.yaml", errors);
    ASSERT_TRUE(WasmInterceptor::spec().parse(document->root(), "", config_, errors)) << errors.render();
    core::BuildContext context{"orders", log_.log(), metrics_, resources_};
    auto plan = WasmInterceptor::prepare(config_, context);
    ASSERT_TRUE(plan.has_value()) << plan.error().describe();
    plan_ = *plan;
    shards_.run_on(0, [&](async::Shard& shard) { interceptor_ = plan_->make(shard); });
  }
  void make_answering(std::string output, const std::string& more = "") { make(wasm::testing::answers(std::move(output)), more); }

  Result<> process(core::Event& event) {
    event.correlation_id = "c-1";
    return run_task(shards_[0], [&] { return interceptor_->process(event); });
  }
  uint64_t errors_of(std::string_view kind) {
    return metrics_.counter("fiso_wasm_errors_total", "", {{"flow", "orders"}, {"module", "guest.wasm"}, {"kind", kind}}).value();
  }

  async::ShardSet shards_{1};
  wasm::Capacity capacity_{shards_, {.instances = 2, .queue = 0, .memory = 64_MiB}};
  std::unique_ptr<wasm::testing::FakeEngine> made_ = std::make_unique<wasm::testing::FakeEngine>();
  wasm::testing::FakeEngine& engine_ = *made_;
  wasm::Runtimes runtimes_{
      std::move(made_),
      [] { return Result<std::unique_ptr<wasm::Engine>>(Error(ErrorCode::kInvalidConfig, "no full engine here")); }};
  ProcessNetwork network_;
  core::Resources resources_;
  observe::Metrics metrics_;
  testing::CapturedLog log_;
  WasmInterceptor::Config config_;
  std::shared_ptr<const core::Plan<core::Interceptor>> plan_;
  std::unique_ptr<core::Interceptor> interceptor_;
};

TEST_F(WasmInterceptorTest, TheGuestSeesTheEnvelopeAndItsPayloadGoesOn) {
  std::string seen;
  make([&](wasm::testing::FakeCall call) -> Task<RunResult> {
    seen = call.input;
    co_return RunResult{.output = R"({"payload":{"b":2}})"};
  });
  core::Event event = make_event(R"({"a":1})", {{"x-a", "1"}});
  ASSERT_TRUE(process(event).has_value());
  EXPECT_EQ(seen, R"({"payload":{"a":1},"headers":{"X-A":"1"},"direction":"inbound"})");
  EXPECT_EQ(event.payload.view(), R"({"b":2})");
  EXPECT_EQ(metrics_.counter("fiso_wasm_calls_total", "", {{"flow", "orders"}, {"module", "guest.wasm"}}).value(), 1u);
  EXPECT_TRUE(log_.contains(R"("msg":"loaded wasm interceptor","component":"test","module":"/m/guest.wasm","runtime":"wazero")"));
}

TEST_F(WasmInterceptorTest, AShortOutputIsTakenWhole) {
  make_answering(R"({"payload":1})");
  core::Event event = make_event("2");
  ASSERT_TRUE(process(event).has_value());
  EXPECT_EQ(event.payload.view(), "1");
}

TEST_F(WasmInterceptorTest, AMissingPayloadIsNull) {
  make_answering("{}");
  core::Event event = make_event("2");
  ASSERT_TRUE(process(event).has_value());
  EXPECT_EQ(event.payload.view(), "null");
}

TEST_F(WasmInterceptorTest, HeadersThatTheGuestLeftAloneStayAtHome) {
  make_answering(R"({"payload":1,"headers":{"X-Same":"1","X-Latin":"�","Content-Type":"text/plain","X-Twice":"a"}})");
  core::Event event =
      make_event("1", {{"x-same", "1"}, {"X-Latin", "\xe4"}, {"Content-Type", "text/plain"}, {"X-Twice", "a"}, {"X-Twice", "b"}});
  ASSERT_TRUE(process(event).has_value());
  EXPECT_TRUE(event.sink_headers.empty());
  EXPECT_FALSE(log_.contains("wasm headers are not sent on"));
}

TEST_F(WasmInterceptorTest, HeadersThatItAddedOrChangedGoOn) {
  make_answering(R"({"payload":1,"headers":{"X-Change":"new","X-Add":"a","X-Empty":""}})");
  core::Event event = make_event("1", {{"X-Change", "old"}, {"X-Drop", "d"}});
  ASSERT_TRUE(process(event).has_value());
  EXPECT_EQ(event.sink_headers.size(), 3u);
  EXPECT_EQ(event.sink_headers.find("X-Change"), "new");
  EXPECT_EQ(event.sink_headers.find("X-Empty"), "");
  EXPECT_EQ(event.headers.find("X-Change"), "new");
  EXPECT_EQ(event.headers.find("X-Drop"), "d");
}

TEST_F(WasmInterceptorTest, HeadersThatAreNotFitAreDroppedCountedAndLogged) {
  make_answering(
      R"({"headers":{"Host":"x","connection":"x","Content-Length":"1","Fiso-Correlation-Id":"x","TE":"x","Bad Name":"x","":"x",)"
      R"("A":"a\r\nB: c","B":" x","C":"\u0000"}})");
  core::Event event = make_event("1");
  ASSERT_TRUE(process(event).has_value());
  EXPECT_TRUE(event.sink_headers.empty());
  EXPECT_EQ(metrics_.counter("fiso_wasm_dropped_headers_total", "", {{"flow", "orders"}, {"module", "guest.wasm"}}).value(), 10u);
  EXPECT_EQ(log_.count("wasm headers are not sent on"), 1u);
  EXPECT_TRUE(
      log_.contains(R"("headers":"Host, connection, Content-Length, Fiso-Correlation-Id, TE, Bad Name, , A, B, C","count":10,)"
                    R"("correlation_id":"c-1")"));
}

TEST_F(WasmInterceptorTest, NamesOfHeadersThatAreDroppedFillNoMoreThanALine) {
  std::string headers;
  for (int i = 0; i < 40; ++i)
    headers += (i == 0 ? "" : ",") + ("\"Fiso-" + std::to_string(100 + i)) + std::string(92, 'x') + "\":\"1\"";
  make_answering("{\"headers\":{" + headers + "}}");
  core::Event event = make_event("1");
  ASSERT_TRUE(process(event).has_value());
  ASSERT_EQ(log_.count("wasm headers are not sent on"), 1u);
  EXPECT_TRUE(log_.contains("x, and 21 more\",\"count\":40"));
}

TEST_F(WasmInterceptorTest, EachWayToFailHasItsTextAndKind) {
  struct Case {
    RunResult result;
    ErrorCode code;
    std::string message, kind;
  };
  std::vector<Case> cases{
      {{.outcome = Outcome::kExit, .exit_code = 3}, ErrorCode::kGuestExit, "module closed with exit_code(3)", "exit"},
      {{.outcome = Outcome::kTrap, .detail = "unreachable"}, ErrorCode::kGuestTrap, "wasm trap: unreachable", "trap"},
      {{.outcome = Outcome::kTimeout}, ErrorCode::kTimeout, "wasm execution timeout after 30s", "timeout"},
      {{.outcome = Outcome::kMemory}, ErrorCode::kGuestLimit, "wasm memory limit of 256MiB reached", "memory"},
      {{.outcome = Outcome::kExhausted}, ErrorCode::kOverloaded, "the memory for all wasm instances is used up", "exhausted"},
      {{.outcome = Outcome::kOutput}, ErrorCode::kGuestLimit, "wasm output is larger than 10MiB", "output"},
      {{.outcome = Outcome::kBadStart, .detail = "why"}, ErrorCode::kGuestTrap, "wasm module did not start: why", "bad_start"},
      {{}, ErrorCode::kGuestLimit, "wasm unmarshal output: unexpected end of JSON input", "no_output"},
      {{.output = "x"},
       ErrorCode::kGuestLimit,
       "wasm unmarshal output: invalid character 'x' looking for beginning of value",
       "not_json"},
  };
  size_t next = 0;
  make([&](wasm::testing::FakeCall) -> Task<RunResult> { co_return cases[next].result; });
  for (; next < cases.size(); ++next) {
    core::Event event = make_event("1");
    auto done = process(event);
    ASSERT_FALSE(done.has_value()) << cases[next].message;
    EXPECT_EQ(done.error().code(), cases[next].code) << cases[next].message;
    EXPECT_EQ(done.error().message(), cases[next].message);
    EXPECT_TRUE(done.error().describe().starts_with("wasm module /m/guest.wasm: ")) << done.error().describe();
    EXPECT_EQ(errors_of(cases[next].kind), 1u) << cases[next].kind;
  }
}

TEST_F(WasmInterceptorTest, WhatIsNotJsonNeverReachesTheGuest) {
  int calls = 0;
  make([&](wasm::testing::FakeCall) -> Task<RunResult> {
    ++calls;
    co_return RunResult{.output = "{}"};
  });
  core::Event event = make_event("{");
  auto done = process(event);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(done.error().message(), "wasm marshal input: unexpected end of JSON input");
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(errors_of("input"), 1u);
}

TEST_F(WasmInterceptorTest, NothingPassesForWhomNobodyWaits) {
  make([&](wasm::testing::FakeCall) -> Task<RunResult> { co_return RunResult{.outcome = Outcome::kTimeout}; },
       "failOpen: true\n");
  testing::FakeCaller caller;
  caller.leave();
  core::Event event = make_event("1");
  event.caller = &caller;
  auto done = process(event);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(errors_of("abandoned"), 1u);
  event = make_event("1");
  event.deadline = std::chrono::steady_clock::now();
  done = process(event);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(errors_of("late"), 1u);
}

TEST_F(WasmInterceptorTest, FailOpenLetsTheEventPassAsItWas) {
  make_answering("not json", "failOpen: true\n");
  core::Event event = make_event(R"({"a":1})", {{"X-A", "1"}});
  ASSERT_TRUE(process(event).has_value());
  EXPECT_EQ(event.payload.view(), R"({"a":1})");
  EXPECT_TRUE(event.sink_headers.empty());
  EXPECT_TRUE(log_.contains("wasm interceptor failed, the event passes unchanged"));
  EXPECT_EQ(errors_of("not_json"), 1u);
}

TEST_F(WasmInterceptorTest, AFloodOfFailuresThatPassIsSampled) {
  make_answering("not json", "failOpen: true\n");
  for (int i = 0; i < 300; ++i) {
    core::Event event = make_event("1");
    ASSERT_TRUE(process(event).has_value());
  }
  EXPECT_GE(log_.count("the event passes unchanged"), 5u);
  EXPECT_LT(log_.count("the event passes unchanged"), 300u);
  EXPECT_EQ(errors_of("not_json"), 300u);
}

TEST_F(WasmInterceptorTest, StderrIsLoggedWithTheEventsId) {
  make([](wasm::testing::FakeCall call) -> Task<RunResult> {
    call.stderr_lines->line("a line");
    co_return RunResult{.output = "{}"};
  });
  core::Event event = make_event("1");
  ASSERT_TRUE(process(event).has_value());
  EXPECT_TRUE(
      log_.contains(R"("msg":"wasm stderr","component":"test","module":"/m/guest.wasm","correlation_id":"c-1","text":"a line")"));
}

TEST_F(WasmInterceptorTest, AFloodOfStderrIsSampled) {
  make([](wasm::testing::FakeCall call) -> Task<RunResult> {
    for (int i = 0; i < 100'000; ++i) call.stderr_lines->line("flood");
    co_return RunResult{.output = "{}"};
  });
  core::Event event = make_event("1");
  ASSERT_TRUE(process(event).has_value());
  EXPECT_GE(log_.count("flood"), 100u);
  EXPECT_LT(log_.count("flood"), 10'000u);
}

TEST_F(WasmInterceptorTest, StderrOfAGuestThatIsStartedAheadIsLoggedWithoutAnId) {
  make_program({.reads = wasm::testing::FakeReads::kToEnd,
                .serve = wasm::testing::answers("{}"),
                .start_up = [](wasm::testing::FakeCall call) -> Task<RunResult> {
                  call.stderr_lines->line("starting");
                  co_return RunResult{};
                }},
               "execution: pooled\npoolSize: 1\n");
  EXPECT_TRUE(wasm::testing::eventually(shards_, [&] { return log_.contains("\"text\":\"starting\""); }));
  EXPECT_TRUE(log_.contains(R"("msg":"wasm stderr","component":"test","module":"/m/guest.wasm","text":"starting")"));
}

TEST_F(WasmInterceptorTest, AModuleThatIsMissingIsAnErrorOfTheBuild) {
  config_.module = "/m/missing.wasm";
  core::BuildContext context{"orders", log_.log(), metrics_, resources_};
  auto plan = WasmInterceptor::prepare(config_, context);
  ASSERT_FALSE(plan.has_value());
  EXPECT_NE(plan.error().describe().find("module path not accessible: /m/missing.wasm"), std::string::npos)
      << plan.error().describe();
}

TEST_F(WasmInterceptorTest, AModuleThatNeedsMoreThanItsMemoryLimitIsAnErrorOfTheBuild) {
  engine_.add("/m/large.wasm", {.serve = wasm::testing::echoes(), .start_up = {}, .initial_memory = 2_MiB});
  config_.module = "/m/large.wasm";
  config_.memory_limit = 1_MiB;
  core::BuildContext context{"orders", log_.log(), metrics_, resources_};
  auto plan = WasmInterceptor::prepare(config_, context);
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().message(), "the module needs 2MiB of memory, memoryLimit is 1MiB");
}

// What the check of an interceptor says; its module is missing, which comes last and is left out.
std::string check_complaints(const std::string& more, wasm::CapacityOptions all = {}) {
  config::Errors errors, checked;
  auto document = config::Document::parse(more + "module: /no/a.wasm\n", "x.yaml", errors);
  auto draft = core::component_type<core::Interceptor, WasmInterceptor>().parse(document->root(), "", errors);
  EXPECT_TRUE(draft.check) << errors.render();
  core::Resources resources;
  resources.add(all);
  if (draft.check) draft.check(resources, checked);
  std::string text = checked.render();
  return text.substr(0, text.find("x.yaml:" + std::to_string(std::ranges::count(more, '\n') + 1)));
}

TEST(WasmInterceptorCheck, EveryDirectoryThatIsMissingIsNamedAtItsKey) {
  EXPECT_EQ(check_complaints("preopens: {/a: /tmp, /b: '/proc:ro'}\n"), "");
  EXPECT_EQ(check_complaints("preopens:\n  /a: /no/a\n  /b.c: '/no/b:ro'\n  /d: /proc/self/status\n"),
            "x.yaml:2:3: preopens[\"/a\"]: preopen directory not accessible: /no/a: No such file or directory\n"
            "x.yaml:3:3: preopens[\"/b.c\"]: preopen directory not accessible: /no/b: No such file or directory\n"
            "x.yaml:4:3: preopens[\"/d\"]: preopen directory not accessible: /proc/self/status: Not a directory\n");
}

TEST(WasmInterceptorCheck, APoolLeavesPlacesForOthers) {
  EXPECT_EQ(check_complaints("execution: pooled\npoolSize: 9\n", {.instances = 10, .memory = {}}), "");
  EXPECT_EQ(check_complaints("execution: pooled\npoolSize: 10\n", {.instances = 10, .memory = {}}),
            "x.yaml:2:11: poolSize: poolSize 10 leaves no instance for others: wasm.maxInstances is 10\n");
  EXPECT_EQ(check_complaints("execution: pooled\n", {.instances = 4, .memory = {}}),
            "x.yaml:1:1: poolSize: poolSize 4 leaves no instance for others: wasm.maxInstances is 4\n");
  EXPECT_EQ(check_complaints("execution: perRequest\n", {.instances = 1, .memory = {}}), "");
}

TEST(WasmInterceptorCheck, AMemoryLimitThatTheTotalForbidsIsRefused) {
  EXPECT_EQ(check_complaints("memoryLimit: 64MiB\n", {.memory = 64_MiB}), "");
  EXPECT_EQ(check_complaints("memoryLimit: 65MiB\n", {.memory = 64_MiB}),
            "x.yaml:1:14: memoryLimit: memoryLimit can never be reached: wasm.totalMemory is 64MiB\n");
  EXPECT_EQ(check_complaints("memoryLimit: 4GiB\n", {.memory = {}}), "") << "what the machine has is no configuration";
  EXPECT_EQ(check_complaints("timeout: 1s\n", {.memory = 1_MiB}), "") << "the default is no opinion";
}

}  // namespace
}  // namespace fiso::interceptors

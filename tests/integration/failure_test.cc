// Events that fail: what the caller is told, what the log says, and that the server goes on.
#include <gtest/gtest.h>

#include "test_server.h"

namespace fiso::testing {
namespace {

// Deeper than payloads may be, and whole: nothing else is wrong with it.
std::string too_deep(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

void expect_failure(TestServer& server, std::string_view answer, int status, const std::string& text) {
  EXPECT_EQ(status_of(answer), status) << answer;
  EXPECT_EQ(body_of(answer), text + "\n");
  EXPECT_EQ(header_of(answer, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header_of(answer, "X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(server.log().contains(R"("msg":"event processing failed")"));
}

struct GuestFailure {
  std::string guest;
  std::string text;  // after the code
  std::string kind;  // of fiso_wasm_errors_total
  int precise = 502;

  friend void PrintTo(const GuestFailure& failure, std::ostream* out) { *out << failure.guest; }
};

class GuestFailureTest : public ::testing::TestWithParam<GuestFailure> {};

TEST_P(GuestFailureTest, IsAnsweredWithItsCodeAndText) {
  const GuestFailure& expected = GetParam();
  TestServer server(
      FlowText{.guest = guest(expected.guest), .guest_more = ", timeout: 200ms, memoryLimit: 32MiB, maxOutput: 1MiB"});
  ASSERT_EQ(server.error(), "");
  server.add_canary("stderr");
  std::string answer = server.post(R"({"lines":3})");
  expect_failure(server, answer, 500, "INTERCEPTOR_FAILED: " + expected.text);
  EXPECT_TRUE(server.log().contains(R"("code":"INTERCEPTOR_FAILED")"));
  EXPECT_TRUE(server.log().contains("interceptor 0: wasm module"));
  EXPECT_EQ(server.metric(R"(fiso_wasm_errors_total{flow="orders",kind=")" + expected.kind + R"(",module=")" + expected.guest +
                          R"(.wasm"})"),
            1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_transform_errors_total{error_type="interceptor",flow="orders"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="orders",status="rejected"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_in_flight{flow="orders"})"), 0.0);
}

TEST_P(GuestFailureTest, HasAPreciseStatus) {
  TestServer server(FlowText{.guest = guest(GetParam().guest),
                             .guest_more = ", timeout: 200ms, memoryLimit: 32MiB, maxOutput: 1MiB",
                             .more = "errorHandling: {statusMode: precise}\n"});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post("{}")), GetParam().precise);
}

TEST_P(GuestFailureTest, LetsTheEventPassWithFailOpen) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest(GetParam().guest),
                             .guest_more = ", timeout: 200ms, memoryLimit: 32MiB, maxOutput: 1MiB, failOpen: true",
                             .sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post(R"({"a":1})")), 200);
  EXPECT_TRUE(receiver.request().ends_with(R"("data":{"a":1}})"));
  EXPECT_TRUE(server.log().contains("wasm interceptor failed, the event passes unchanged"));
}

INSTANTIATE_TEST_SUITE_P(
    Guests, GuestFailureTest,
    ::testing::Values(GuestFailure{"exit_1", "module closed with exit_code(1)", "exit"},
                      GuestFailure{"exit_255", "module closed with exit_code(255)", "exit"},
                      GuestFailure{"partial_then_exit", "module closed with exit_code(1)", "exit"},
                      GuestFailure{"trap_unreachable", "wasm trap: unreachable", "trap"},
                      GuestFailure{"trap_div_zero", "wasm trap: integer divide by zero", "trap"},
                      GuestFailure{"recurse", "wasm trap: call stack exhausted", "trap"},
                      GuestFailure{"partial_then_trap", "wasm trap: unreachable", "trap"},
                      GuestFailure{"loop", "wasm execution timeout after 200ms", "timeout", 504},
                      GuestFailure{"loop_start", "wasm execution timeout after 200ms", "timeout", 504},
                      GuestFailure{"reads_then_hangs", "wasm execution timeout after 200ms", "timeout", 504},
                      GuestFailure{"stderr_endless", "wasm execution timeout after 200ms", "timeout", 504},
                      GuestFailure{"memory_bomb", "wasm memory limit of 32MiB reached", "memory"},
                      GuestFailure{"stdout_endless", "wasm output is larger than 1MiB", "output"},
                      GuestFailure{"empty_output", "wasm unmarshal output: unexpected end of JSON input", "no_output"},
                      GuestFailure{"exit_0", "wasm unmarshal output: unexpected end of JSON input", "no_output"},
                      GuestFailure{"output_not_object", "wasm unmarshal output: the output is not a JSON object", "not_json"},
                      GuestFailure{"output_two_objects", "wasm unmarshal output: invalid character '{' after top-level value",
                                   "not_json"}),
    [](const auto& test) { return test.param.guest; });

TEST(FailureTest, TheServerGoesOnAfterEachFailure) {
  TestServer server({{"good.yaml", FlowText{.name = "good", .path = "/good", .guest = guest("passthrough")}.str()},
                     {"bad.yaml", FlowText{.name = "bad", .path = "/bad", .guest = guest("trap_oob")}.str()}});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(status_of(server.post("{}", "/bad")), 500);
    EXPECT_EQ(status_of(server.post("{}", "/good")), 200);
  }
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="bad",status="rejected"})"), 20.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="good",status="delivered"})"), 20.0);
}

TEST(FailureTest, APayloadThatIsNotJsonNeverReachesAGuest) {
  TestServer server(FlowText{.guest = guest("passthrough")});
  expect_failure(server, server.post(""), 500, "INTERCEPTOR_FAILED: wasm marshal input: unexpected end of JSON input");
  expect_failure(server, server.post("not json"), 500,
                 "INTERCEPTOR_FAILED: wasm marshal input: invalid character 'o' in literal null (expecting 'u')");
  expect_failure(server, server.post(too_deep(1001)), 500, "INTERCEPTOR_FAILED: wasm marshal input: nested too deeply");
  EXPECT_EQ(status_of(server.post("{\"a\":\"\xff\"}")), 500);
}

TEST(FailureTest, APayloadThatIsNotJsonFailsTheWrap) {
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a"}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/b", .more = "errorHandling: {statusMode: precise}\n"}.str()}});
  expect_failure(server, server.post("", "/a"), 500, "CLOUDEVENT_WRAP_FAILED: unexpected end of JSON input");
  expect_failure(server, server.post("", "/b"), 400, "CLOUDEVENT_WRAP_FAILED: unexpected end of JSON input");
  expect_failure(server, server.post(too_deep(1001), "/b"), 400, "CLOUDEVENT_WRAP_FAILED: nested too deeply");
  EXPECT_EQ(server.metric(R"(fiso_flow_transform_errors_total{error_type="cloudevent_wrap",flow="b"})"), 2.0);
}

TEST(FailureTest, StderrIsLoggedLineByLineWithTheEventsId) {
  TestServer server(FlowText{.guest = guest("stderr_lines")});
  std::string answer = server.post(R"({"lines":3})", "/ingest", "X-Request-Id: r-9\r\n");
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_GE(server.log().count(R"("msg":"wasm stderr")"), 3u);
  EXPECT_GE(server.log().count(R"("correlation_id":"r-9")"), 3u);
}

TEST(FailureTest, OtherMethodsAndPathsAreRefused) {
  TestServer server(FlowText{});
  for (std::string method : {"GET", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    std::string answer = server.send(method + " /ingest HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(status_of(answer), 405) << answer;
    EXPECT_EQ(body_of(answer), "method not allowed\n");
  }
  for (std::string path : {"/", "/ingest/", "/ingestx", "/INGEST", "/a/../ingest", "//ingest"}) {
    std::string answer = server.post("{}", path);
    EXPECT_EQ(status_of(answer), 404) << path;
    EXPECT_EQ(body_of(answer), "404 page not found\n");
  }
  EXPECT_EQ(status_of(server.post("{}", "/ingest?query=1")), 200);
}

}  // namespace
}  // namespace fiso::testing

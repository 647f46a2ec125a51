// A sink's other side that is down, slow, rude or confused: what the caller is told, and what the log says.
#include <gtest/gtest.h>

#include "test_server.h"

namespace fiso::testing {
namespace {

using Conversation = ScriptedUpstream::Conversation;

struct SinkFailure {
  std::string name;
  ScriptedUpstream::Script script;
  std::string text;  // after the code
  int precise = 502;
  bool passing = true;  // may be tried again

  friend void PrintTo(const SinkFailure& failure, std::ostream* out) { *out << failure.name; }
};

ScriptedUpstream::Script answers(const std::string& bytes) {
  return [bytes](Conversation& conversation) {
    if (!conversation.read_request().empty()) conversation.send(bytes);
  };
}

class SinkFailureTest : public ::testing::TestWithParam<SinkFailure> {
 protected:
  std::string flow(uint16_t port, const std::string& handling) {
    return FlowText{.sink = http_sink(port, ", timeout: 300ms, headers: {X-Key: canary-key}"),
                    .more = "errorHandling: {" + handling + "}\n"}
        .str();
  }
};

TEST_P(SinkFailureTest, IsAnsweredWithItsText) {
  ScriptedUpstream upstream(GetParam().script);
  TestServer server({{"flow.yaml", flow(upstream.port(), "")}});
  ASSERT_EQ(server.error(), "");
  server.add_canary(std::to_string(upstream.port()));
  server.add_canary("canary");
  std::string answer = server.post(R"({"a":"canary-payload"})");
  EXPECT_EQ(status_of(answer), 500) << answer;
  EXPECT_EQ(body_of(answer), "SINK_DELIVERY_FAILED: " + GetParam().text + "\n");
  EXPECT_TRUE(server.log().contains(R"("msg":"event processing failed")"));
  EXPECT_EQ(server.log().count(R"("msg":"delivery failed")"), 1u);
  EXPECT_TRUE(server.log().contains(R"("code":"SINK_DELIVERY_FAILED")"));
  EXPECT_FALSE(server.log().contains("canary"));
  EXPECT_EQ(server.metric(R"(fiso_flow_sink_delivery_errors_total{flow="orders"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="orders",status="rejected"})"), 1.0);
}

TEST_P(SinkFailureTest, HasAPreciseStatusAndIsTriedAgainIfThatCanHelp) {
  ScriptedUpstream upstream(GetParam().script);
  TestServer server({{"flow.yaml", flow(upstream.port(), "statusMode: precise, maxRetries: 2, backoff: constant")}});
  ASSERT_EQ(server.error(), "");
  std::string answer = server.post("{}");
  EXPECT_EQ(status_of(answer), GetParam().precise) << answer;
  std::string again = GetParam().passing ? "delivery failed after 2 attempts: " : "";
  EXPECT_EQ(body_of(answer), "SINK_DELIVERY_FAILED: " + again + GetParam().text + "\n");
  EXPECT_EQ(server.metric(R"(fiso_flow_sink_retries_total{flow="orders"})"), GetParam().passing ? 1.0 : 0.0);
  EXPECT_EQ(server.log().count(R"("msg":"delivery failed after retries")"), GetParam().passing ? 1u : 0u);
  EXPECT_EQ(server.log().count(R"("msg":"delivery failed")"), GetParam().passing ? 0u : 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Upstreams, SinkFailureTest,
    ::testing::Values(SinkFailure{"status_400", answers(response_text(400, "canary-body")), "http status 400", 502, false},
                      SinkFailure{"status_404", answers(response_text(404, "")), "http status 404", 502, false},
                      SinkFailure{"status_429", answers(response_text(429, "")), "http status 429"},
                      SinkFailure{"status_500", answers(response_text(500, "canary-body")), "http status 500"},
                      SinkFailure{"status_503", answers(response_text(503, "")), "http status 503"},
                      SinkFailure{"redirect",
                                  answers("HTTP/1.1 302 Found\r\nLocation: http://canary/\r\nContent-Length: 0\r\n\r\n"),
                                  "http status 302"},
                      SinkFailure{"resets", [](Conversation& conversation) { conversation.read_request(), conversation.reset(); },
                                  "connection reset"},
                      SinkFailure{"closes", [](Conversation& conversation) { conversation.read_request(); },
                                  "connection closed before the response was complete"},
                      SinkFailure{"breaks_off_in_its_head", answers("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n"),
                                  "connection closed before the response was complete"},
                      SinkFailure{"is_no_http", answers("canary: I am not HTTP\r\n\r\n"), "malformed response"},
                      SinkFailure{"hangs",
                                  [](Conversation& conversation) { conversation.read_request(), conversation.wait_for_close(); },
                                  "timeout", 504}),
    [](const auto& test) { return test.param.name; });

TEST(SinkDownTest, IsAnsweredAndTheServerGoesOn) {
  uint16_t port = 0;
  { port = EventReceiver().port(); }
  TestServer server(FlowText{.sink = http_sink(port)});
  server.add_canary(std::to_string(port));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(body_of(server.post("{}")), "SINK_DELIVERY_FAILED: connection refused\n");
  EXPECT_TRUE(server.log().contains("127.0.0.1:" + std::to_string(port)));
}

TEST(SinkDownTest, AnUnknownHostIsAnswered) {
  TestServer server(FlowText{.sink = "{type: http, config: {url: 'http://no-such-host.invalid:1/canary-path', timeout: 5s}}"});
  server.add_canary("no-such-host");
  server.add_canary("canary-path");
  std::string answer = server.post("{}");
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_TRUE(body_of(answer).starts_with("SINK_DELIVERY_FAILED: ")) << answer;
}

TEST(SinkAnswerTest, ABodyThatEndsEarlyOrNeverDoesNotUndoA200) {
  std::string endless = "HTTP/1.1 200 OK\r\n\r\n" + std::string(4 << 20, 'x');
  struct Answer {
    std::string bytes, why;
  };
  for (const auto& [bytes, why] :
       {Answer{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "connection closed"},
        Answer{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nlonger", "the answer is longer than it says"}, Answer{endless, ""}}) {
    ScriptedUpstream upstream(answers(bytes));
    TestServer server(FlowText{.sink = http_sink(upstream.port())});
    EXPECT_EQ(status_of(server.post("{}")), 200);
    EXPECT_EQ(status_of(server.post("{}")), 200);
    EXPECT_EQ(server.metric(R"(fiso_flow_sink_delivery_errors_total{flow="orders"})"), 0.0);
    std::string target = R"("flow":"orders","target":"http://127.0.0.1:)" + std::to_string(upstream.port()) + R"(/events")";
    EXPECT_EQ(server.log().count(R"("msg":"sink's answer broke off, its connection is closed","component":"test",)" + target),
              2u);
    EXPECT_EQ(server.log().count(R"("status":200,"error":")" + why), 2u);
    EXPECT_EQ(server.log().count(R"("msg":"event delivered")"), 2u);
    EXPECT_TRUE(
        server.log().contains(R"("target":"http://127.0.0.1:)" + std::to_string(upstream.port()) + R"(/events","latency_ms")"));
  }
}

TEST(SinkRetryTest, AnEventThatIsTakenAtTheSecondAttemptIsDelivered) {
  EventReceiver receiver(response_text(503, ""));
  ScriptedUpstream upstream([calls = std::make_shared<std::atomic<int>>(0)](Conversation& conversation) {
    while (!conversation.read_request().empty()) conversation.send(response_text((*calls)++ == 0 ? 503 : 200, ""));
  });
  TestServer server(FlowText{.sink = http_sink(upstream.port()), .more = "errorHandling: {maxRetries: 3, backoff: constant}\n"});
  EXPECT_EQ(status_of(server.post("{}")), 200);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="orders",status="delivered"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_sink_retries_total{flow="orders"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_sink_delivery_errors_total{flow="orders"})"), 0.0);
}

}  // namespace
}  // namespace fiso::testing

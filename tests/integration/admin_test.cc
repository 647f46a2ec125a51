// The admin port: pages, methods, readiness, and that every outcome moves its series.
#include <gtest/gtest.h>

#include "test_server.h"

namespace fiso::testing {
namespace {

TEST(AdminTest, AnswersItsPages) {
  TestServer server(FlowText{});
  std::string health = server.admin("/healthz");
  EXPECT_EQ(status_of(health), 200);
  EXPECT_EQ(body_of(health), "{\"status\":\"ok\"}\n");
  EXPECT_EQ(header_of(health, "Content-Type"), "application/json");
  EXPECT_EQ(body_of(server.admin("/readyz")), "{\"status\":\"ready\"}\n");
  std::string metrics = server.admin("/metrics");
  EXPECT_TRUE(header_of(metrics, "Content-Type").starts_with("text/plain; version=0.0.4"));
  EXPECT_NE(metrics.find("# TYPE fiso_flow_events_total counter"), std::string::npos);
  EXPECT_NE(metrics.find("process_resident_memory_bytes"), std::string::npos);
}

TEST(AdminTest, RefusesOtherMethodsAndPaths) {
  TestServer server(FlowText{});
  for (std::string_view path : {"/healthz", "/readyz", "/metrics"}) {
    for (std::string_view method : {"POST", "PUT", "DELETE"}) {
      std::string answer = server.admin(path, method);
      EXPECT_EQ(status_of(answer), 405);
      EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD");
    }
    std::string head = server.admin(path, "HEAD");
    EXPECT_EQ(status_of(head), 200);
    EXPECT_EQ(body_of(head), "");
  }
  EXPECT_EQ(status_of(server.admin("/reload", "DELETE")), 405);
  EXPECT_EQ(status_of(server.admin("/")), 404);
  EXPECT_EQ(status_of(server.admin("/healthz/")), 404);
  EXPECT_EQ(status_of(server.admin("/ingest", "POST")), 404);
}

TEST(AdminTest, IsNotReadyWhileItStops) {
  TestServer server(FlowText{.guest = guest("sleeper")});
  RawClient client(server.port());
  client.send(post_text("/ingest", R"({"ms":1000})"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 1.0) {}
  TestServer::signal_stop();
  std::string ready;
  do {
    ready = server.admin("/readyz");
  } while (status_of(ready) == 200);
  EXPECT_EQ(status_of(ready), 503);
  EXPECT_NE(body_of(ready).find("\"status\":\"not ready\""), std::string::npos);
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_TRUE(server.wait_stopped());
}

TEST(AdminTest, EverySeriesOfAFlowIsThereFromTheStart) {
  TestServer server(FlowText{.guest = guest("enrich")});
  for (std::string_view series :
       {R"(fiso_flow_events_received_total{flow="orders"})", R"(fiso_flow_events_total{flow="orders",status="delivered"})",
        R"(fiso_flow_events_total{flow="orders",status="rejected"})", R"(fiso_flow_events_in_flight{flow="orders"})",
        R"(fiso_flow_transform_errors_total{error_type="interceptor",flow="orders"})",
        R"(fiso_flow_transform_errors_total{error_type="cloudevent_wrap",flow="orders"})",
        R"(fiso_flow_sink_delivery_errors_total{flow="orders"})", R"(fiso_flow_sink_retries_total{flow="orders"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="total"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="interceptors"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="sink"})",
        R"(fiso_wasm_calls_total{flow="orders",module="enrich.wasm"})",
        R"(fiso_wasm_instances{flow="orders",module="enrich.wasm"})",
        R"(fiso_wasm_call_duration_seconds_count{flow="orders",module="enrich.wasm"})"})
    EXPECT_EQ(server.metric(series), 0.0) << series;
  EXPECT_EQ(status_of(server.post("{}")), 200);
  for (std::string_view series :
       {R"(fiso_flow_events_received_total{flow="orders"})", R"(fiso_flow_events_total{flow="orders",status="delivered"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="total"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="interceptors"})",
        R"(fiso_flow_event_duration_seconds_count{flow="orders",phase="sink"})",
        R"(fiso_wasm_calls_total{flow="orders",module="enrich.wasm"})",
        R"(fiso_wasm_call_duration_seconds_count{flow="orders",module="enrich.wasm"})"})
    EXPECT_EQ(server.metric(series), 1.0) << series;
}

// Callers cannot make series.
TEST(AdminTest, LabelsAreOnlyWhatTheConfigurationNames) {
  TestServer server(FlowText{.guest = guest("exit_1")});
  server.post("{}", "/ingest?canary-query", "X-Correlation-Id: canary-id\r\nUser-Agent: canary-agent\r\n");
  server.post("{}", "/canary-path");
  EXPECT_EQ(server.admin("/metrics").find("canary"), std::string::npos);
}

}  // namespace
}  // namespace fiso::testing

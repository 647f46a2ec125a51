// Events that are delivered: what the sink gets of what the caller sent.
#include <gtest/gtest.h>

#include "json/scan.h"
#include "test_server.h"

namespace fiso::testing {
namespace {

std::string member(const std::string& object, std::string_view name) {
  auto document = json::Document::parse(object);
  if (!document.has_value()) return "(not json)";
  return std::string(document->find(name).value_or("(none)"));
}

TEST(EventTest, GoesThroughAGuestToAnHttpSinkAsACloudEvent) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("enrich"), .sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  std::string answer = server.post(R"({"order_id":"12345","amount":99.99})", "/ingest", "X-Correlation-Id: corr-7\r\n");
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(body_of(answer), "");
  std::string request = receiver.request();
  EXPECT_TRUE(request.starts_with("POST /events HTTP/1.1\r\n")) << request;
  EXPECT_EQ(header_of(request, "Content-Type"), "application/cloudevents+json");
  EXPECT_EQ(header_of(request, "fiso-correlation-id"), "corr-7");
  EXPECT_EQ(header_of(request, "X-Wasm-Enriched"), "true");
  EXPECT_EQ(header_of(request, "X-Correlation-Id"), "(none)");
  std::string event = body_of(request);
  EXPECT_EQ(member(event, "specversion"), R"("1.0")");
  EXPECT_EQ(member(event, "source"), R"("fiso-flow/orders")");
  EXPECT_EQ(member(event, "type"), R"("fiso.event")");
  EXPECT_EQ(member(event, "datacontenttype"), R"("application/json")");
  EXPECT_EQ(member(event, "id").size(), 38u);
  EXPECT_EQ(member(event, "data"), R"({"wasm_enriched":true,"order_id":"12345","amount":99.99})");
  EXPECT_TRUE(server.log().contains(R"("msg":"event delivered")"));
  EXPECT_TRUE(server.log().contains(R"("correlation_id":"corr-7")"));
}

TEST(EventTest, PassesEveryByteOfItsPayload) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("passthrough"), .sink = http_sink(receiver.port())});
  std::vector<std::string> payloads{R"({"n":123456789012345678901234567890,"f":1.0,"e":1E400})",
                                    R"({"a":1,"a":2,"\u0061":3})",
                                    R"({"list":[],"map":{},"s":"\ud800\/\u0000"})",
                                    R"([1 , 2])",
                                    "1",
                                    "null",
                                    R"("text")",
                                    std::string(64, '[') + std::string(64, ']')};
  for (const std::string& payload : payloads) EXPECT_EQ(status_of(server.post(payload)), 200) << payload;
  auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), payloads.size());
  for (size_t i = 0; i < payloads.size(); ++i)
    EXPECT_TRUE(body_of(requests[i]).ends_with("\"data\":" + payloads[i] + "}")) << requests[i];
}

TEST(EventTest, KeepsACloudEventThatComesIn) {
  EventReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port())});
  std::string event = R"({"specversion":"1.0","id":"a-1","source":"/s","type":"t","data":{"n":12345678901234567890}})";
  EXPECT_EQ(status_of(server.post(event, "/ingest", "Content-Type: application/cloudevents+json\r\n")), 200);
  EXPECT_EQ(body_of(receiver.request()), event);
}

TEST(EventTest, KeepsTheAttributesOfBinaryMode) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("passthrough"), .sink = http_sink(receiver.port())});
  EXPECT_EQ(status_of(server.post("[1]", "/ingest",
                                  "ce-specversion: 1.0\r\nce-id: b-1\r\nce-source: /s\r\nce-type: t\r\nce-ext: e\r\n")),
            200);
  std::string event = body_of(receiver.request());
  EXPECT_EQ(member(event, "id"), R"("b-1")");
  EXPECT_EQ(member(event, "type"), R"("t")");
  EXPECT_EQ(member(event, "ext"), R"("e")");
  EXPECT_EQ(member(event, "data"), "[1]");
}

TEST(EventTest, NamesAndConfiguredSourcesAreEncodedForTheEvent) {
  EventReceiver named, configured;
  TestServer server({{"a.yaml", FlowText{.name = "'a/b & c'", .path = "/a", .sink = http_sink(named.port())}.str()},
                     {"b.yaml", FlowText{.name = "b",
                                         .path = "/b",
                                         .sink = http_sink(configured.port()),
                                         .more = "cloudevents: {type: ' t ', source: my service}\n"}
                                    .str()}});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
  EXPECT_EQ(status_of(server.post("{}", "/b")), 200);
  EXPECT_EQ(member(body_of(named.request()), "source"), R"("fiso-flow/a%2Fb%20&%20c")");
  EXPECT_EQ(member(body_of(configured.request()), "source"), R"("my%20service")");
  EXPECT_EQ(member(body_of(configured.request()), "type"), R"("t")");
}

TEST(EventTest, OnlyHeadersThatTheGuestChangedOrTheFlowForwardsReachTheSink) {
  EventReceiver receiver;
  TestServer server(FlowText{.source_more = ", forwardHeaders: [X-Tenant]",
                             .guest = guest("headers"),
                             .sink = http_sink(receiver.port(), ", headers: {X-Fixed: ours}")});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(
      status_of(server.post("{}", "/ingest",
                            "X-Tenant: t-1\r\nX-Change: before\r\nX-Private: p\r\nX-Latin: \xe4\r\nAuthorization: secret\r\n")),
      200);
  std::string request = receiver.request();
  EXPECT_EQ(header_of(request, "X-Tenant"), "t-1");
  EXPECT_EQ(header_of(request, "X-Fixed"), "ours");
  EXPECT_EQ(header_of(request, "X-Change"), "changed");
  EXPECT_EQ(header_of(request, "X-Wasm-Added"), "yes");
  EXPECT_EQ(header_of(request, "X-Wasm-Empty"), "");
  for (std::string_view dropped : {"X-Private", "X-Latin", "Authorization", "Keep-Alive", "Transfer-Encoding", "Upgrade",
                                   "Fiso-X", "Bad Name", "X-Split", "X-Injected"})
    EXPECT_EQ(header_of(request, dropped), "(none)") << dropped;
  EXPECT_EQ(header_of(request, "Content-Type"), "application/cloudevents+json");
  EXPECT_EQ(header_of(request, "Host"), "127.0.0.1:" + std::to_string(receiver.port()));
  EXPECT_TRUE(server.log().contains(R"("msg":"wasm headers are not sent on")"));
  EXPECT_TRUE(server.log().contains(R"("count":10)"));
  EXPECT_EQ(server.metric(R"(fiso_wasm_dropped_headers_total{flow="orders",module="headers.wasm"})"), 10.0);
}

TEST(EventTest, WhatTheOperatorConfiguredStandsAgainstAGuest) {
  EventReceiver receiver;
  TestServer server(
      FlowText{.guest = guest("headers"), .sink = http_sink(receiver.port(), ", method: PUT, headers: {X-Wasm-Added: ours}")});
  EXPECT_EQ(status_of(server.post("{}")), 200);
  EXPECT_TRUE(receiver.request().starts_with("PUT /events "));
  EXPECT_EQ(header_of(receiver.request(), "X-Wasm-Added"), "ours");
}

TEST(EventTest, SmallAnswersOfAGuestAreTakenWhole) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("passthrough"), .sink = http_sink(receiver.port())});
  EXPECT_EQ(status_of(server.post("1")), 200);
  EXPECT_TRUE(body_of(receiver.request()).ends_with("\"data\":1}"));
}

TEST(EventTest, ManyGuestsInALineEachSeeTheOnesBefore) {
  EventReceiver receiver;
  FlowText flow{.sink = http_sink(receiver.port())};
  flow.more = "interceptors:\n  - {type: wasm, config: {module: '" + guest("enrich") +
              "'}}\n  - {type: wasm, config: {module: '" + guest("upper") + "'}}\n";
  TestServer server(flow);
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post(R"({"a":"b"})")), 200);
  EXPECT_EQ(member(body_of(receiver.request()), "data"), R"({"WASM_ENRICHED":true,"A":"B"})");
}

TEST(EventTest, AGoGuestAndAPooledOneDoTheSame) {
  for (std::string more : {"", ", execution: pooled, poolSize: 2", ", execution: pooled, maxRequests: 10"}) {
    EventReceiver receiver;
    TestServer server(FlowText{.guest = guest("enrich_go"), .guest_more = more, .sink = http_sink(receiver.port())});
    ASSERT_EQ(server.error(), "");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(server.post(R"({"a":1})")), 200);
    for (const std::string& request : receiver.requests())
      EXPECT_EQ(member(body_of(request), "data"), R"({"a":1,"wasm_enriched":true})");
  }
}

TEST(EventTest, APooledGuestThatLoopsServesSeveralEvents) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("ndjson"),
                             .guest_more = ", execution: pooled, poolSize: 1, maxRequests: 3",
                             .sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  for (int i = 0; i < 6; ++i) EXPECT_EQ(status_of(server.post("{\n\"a\":\n1}")), 200);
  for (const std::string& request : receiver.requests())
    EXPECT_TRUE(member(body_of(request), "data").find(R"("served":)") != std::string::npos) << request;
}

TEST(EventTest, PipelinedRequestsAreAnsweredInOrder) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("passthrough"), .sink = http_sink(receiver.port())});
  RawClient client(server.port());
  std::string all;
  for (int i = 0; i < 5; ++i) all += post_text(i == 2 ? "/nowhere" : "/ingest", std::to_string(i));
  client.send(all);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status_of(client.read_response()), i == 2 ? 404 : 200);
  auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 4u);
  EXPECT_TRUE(requests[2].ends_with("\"data\":3}"));
}

}  // namespace
}  // namespace fiso::testing

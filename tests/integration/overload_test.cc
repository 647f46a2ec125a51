// More than there is room for: 503 and Retry-After, and room again afterwards.
#include <gtest/gtest.h>

#include <latch>

#include "test_server.h"

namespace fiso::testing {
namespace {

void expect_busy(std::string_view answer, const std::string& text) {
  EXPECT_EQ(status_of(answer), 503) << answer;
  EXPECT_EQ(header_of(answer, "Retry-After"), "1");
  EXPECT_EQ(body_of(answer), text + "\n");
}

// A sink that answers when it is told to.
class SlowReceiver {
 public:
  SlowReceiver()
      : upstream_([this](ScriptedUpstream::Conversation& conversation) {
          while (!conversation.read_request().empty()) {
            if (!came_.try_wait()) came_.count_down();
            go_.wait();
            conversation.send(response_text(200, ""));
          }
        }) {}
  ~SlowReceiver() { go(); }
  uint16_t port() const { return upstream_.port(); }
  // Waits until the first request is there.
  void wait_for_one() { came_.wait(); }
  void go() {
    if (!go_.try_wait()) go_.count_down();
  }

 private:
  std::latch came_{1}, go_{1};
  ScriptedUpstream upstream_;
};

TEST(OverloadTest, MoreEventsThanMaxInFlightAreRefused) {
  SlowReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port()), .more = "maxInFlight: 1\n"});
  RawClient first(server.port());
  first.send(post_text("/ingest", "{}"));
  receiver.wait_for_one();
  EXPECT_EQ(server.metric(R"(fiso_flow_events_in_flight{flow="orders"})"), 1.0);
  expect_busy(server.post("{}"), "too many events are in flight");
  EXPECT_EQ(server.log().count(R"("msg":"too many events are in flight","component":"test","flow":"orders")"), 1u);
  receiver.go();
  EXPECT_EQ(status_of(first.read_response()), 200);
  EXPECT_EQ(status_of(server.post("{}")), 200);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_received_total{flow="orders"})"), 3.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="orders",status="delivered"})"), 2.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="orders",status="rejected"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_in_flight{flow="orders"})"), 0.0);
}

TEST(OverloadTest, MoreBodiesThanMayBeInMemoryAreRefused) {
  SlowReceiver receiver;
  TestServer server({{"flow.yaml", FlowText{.sink = http_sink(receiver.port())}.str()},
                     {"fiso.yaml", "shards: 1\nhttp: {maxBodyBytes: 100KiB, maxTotalBodyBytes: 100KiB}\n"}});
  ASSERT_EQ(server.error(), "");
  std::string large = "\"" + std::string(90'000, 'x') + "\"";
  RawClient first(server.port());
  first.send(post_text("/ingest", large));
  receiver.wait_for_one();
  EXPECT_EQ(server.metric("fiso_http_body_bytes"), static_cast<double>(large.size()));
  std::string refused = server.post(large);
  expect_busy(refused, "too many request bodies are held");
  EXPECT_EQ(header_of(refused, "Connection"), "close");
  EXPECT_EQ(server.metric("fiso_http_bodies_refused_total"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_http_requests_refused_total{reason="too_many_bodies"})"), 1.0);
  EXPECT_EQ(server.log().count(R"("msg":"http request refused","component":"test","reason":"too_many_bodies")"), 1u);
  receiver.go();
  EXPECT_EQ(status_of(first.read_response()), 200);
  while (server.metric("fiso_http_body_bytes") != 0.0) {}
  EXPECT_EQ(status_of(server.post(large)), 200);
}

TEST(OverloadTest, MoreGuestsThanInstancesAndQueueAreRefused) {
  TestServer server({{"flow.yaml", FlowText{.guest = guest("loop"), .guest_more = ", timeout: 500ms"}.str()},
                     {"fiso.yaml", "shards: 1\nwasm: {maxInstances: 1, instanceQueue: 0}\n"}});
  ASSERT_EQ(server.error(), "");
  RawClient first(server.port());
  first.send(post_text("/ingest", "{}"));
  while (server.metric(R"(fiso_wasm_instances{flow="orders",module="loop.wasm"})") != 1.0) {}
  expect_busy(server.post("{}"), "INTERCEPTOR_FAILED: no wasm instance is free");
  EXPECT_EQ(body_of(first.read_response()), "INTERCEPTOR_FAILED: wasm execution timeout after 500ms\n");
  EXPECT_EQ(server.metric(R"(fiso_wasm_errors_total{flow="orders",kind="overloaded",module="loop.wasm"})"), 1.0);
}

TEST(OverloadTest, IdleInstancesOfOtherFlowsGiveWay) {
  constexpr char kPooled[] = ", execution: pooled, poolSize: 1";
  auto flow = [](const std::string& name, const std::string& more) {
    return FlowText{.name = name, .path = "/" + name, .guest = guest("enrich"), .guest_more = more}.str();
  };
  TestServer server({{"a.yaml", flow("a", kPooled)},
                     {"b.yaml", flow("b", kPooled)},
                     {"c.yaml", flow("c", "")},
                     {"fiso.yaml", "shards: 1\nwasm: {maxInstances: 2, instanceQueue: 0}\n"}});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(server.metric("fiso_wasm_instances_in_use"), 2.0);
  for (const char* path : {"/c", "/a", "/b", "/c"}) EXPECT_EQ(status_of(server.post("{}", path)), 200) << path;
}

TEST(OverloadTest, OutputThatTheMemoryForAllCannotHoldIsRefused) {
  TestServer server({{"flow.yaml", FlowText{.guest = guest("stdout_endless"), .guest_more = ", maxOutput: 1GiB"}.str()},
                     {"fiso.yaml", "shards: 1\nwasm: {totalMemory: 8MiB}\n"}});
  ASSERT_EQ(server.error(), "");
  expect_busy(server.post("{}"), "INTERCEPTOR_FAILED: the memory for all wasm instances is used up");
  EXPECT_EQ(server.metric(R"(fiso_wasm_errors_total{flow="orders",kind="exhausted",module="stdout_endless.wasm"})"), 1.0);
  EXPECT_EQ(server.metric("fiso_wasm_memory_bytes"), 0.0);
}

TEST(OverloadTest, AWaitingEventGetsTheNextInstance) {
  TestServer server({{"flow.yaml", FlowText{.guest = guest("sleeper"), .guest_more = ", timeout: 20s"}.str()},
                     {"fiso.yaml", "shards: 1\nwasm: {maxInstances: 1, instanceQueue: 10}\n"}});
  ASSERT_EQ(server.error(), "");
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.port()));
    clients.back()->send(post_text("/ingest", R"({"ms":20})"));
  }
  for (auto& client : clients) EXPECT_EQ(status_of(client->read_response()), 200);
}

TEST(OverloadTest, AGuestIsStoppedAtItsTimeoutWhileOthersGoOn) {
  TestServer server(
      {{"slow.yaml", FlowText{.name = "slow", .path = "/slow", .guest = guest("loop"), .guest_more = ", timeout: 50ms"}.str()},
       {"quick.yaml", FlowText{.name = "quick", .path = "/quick", .guest = guest("enrich")}.str()},
       {"fiso.yaml", "shards: 1\n"}});
  RawClient slow(server.port());
  slow.send(post_text("/slow", "{}"));
  EXPECT_EQ(status_of(server.post("{}", "/quick")), 200);
  std::string answer = slow.read_response();
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(body_of(answer), "INTERCEPTOR_FAILED: wasm execution timeout after 50ms\n");
  while (server.metric(R"(fiso_wasm_instances{flow="slow",module="loop.wasm"})") != 0.0) {}
}

}  // namespace
}  // namespace fiso::testing

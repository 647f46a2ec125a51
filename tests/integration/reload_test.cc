// Reading the configuration again while it serves.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "test_server.h"

namespace fiso::testing {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string answering(const std::string& name, const std::string& path, const std::string& guest_name) {
  return FlowText{.name = name, .path = path, .guest = guest(guest_name)}.str();
}

TEST(ReloadTest, AFlowIsAddedChangedAndRemoved) {
  TestServer server({{"a.yaml", answering("a", "/a", "exit_1")}});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post("{}", "/b")), 404);

  int before = server.reload_attempts();
  server.config().write("b.yaml", answering("b", "/b", "enrich"));
  EXPECT_TRUE(contains(server.wait_for_reload(before), R"("status":"ok")"));
  EXPECT_EQ(status_of(server.post("{}", "/b")), 200);
  EXPECT_EQ(status_of(server.post("{}", "/a")), 500);

  before = server.reload_attempts();
  server.config().write("a.yaml", answering("a", "/a", "enrich"));
  server.wait_for_reload(before);
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);

  before = server.reload_attempts();
  server.config().remove("a.yaml");
  server.wait_for_reload(before);
  EXPECT_EQ(status_of(server.post("{}", "/a")), 404);
  EXPECT_EQ(status_of(server.post("{}", "/b")), 200);
  EXPECT_EQ(server.log().count(R"("msg":"flow stopped")"), 1u);
  EXPECT_TRUE(server.log().contains(R"("msg":"flow stopped","component":"test","name":"a")"));
  EXPECT_EQ(server.metric(R"(fiso_config_reloads_total{result="ok"})"), 3.0);
  EXPECT_TRUE(server.log().contains("config change detected"));
}

TEST(ReloadTest, ABrokenFileKeepsTheOldGeneration) {
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}});
  for (const std::string& broken :
       {std::string("name: [\n"), FlowText{.name = "b", .path = "/b", .guest = "/no/such.wasm"}.str(),
        FlowText{.name = "b", .path = "/a"}.str(), FlowText{.name = "b", .address = "127.0.0.1:99999", .path = "/b"}.str()}) {
    int before = server.reload_attempts();
    server.config().write("b.yaml", broken);
    std::string verdict = server.wait_for_reload(before);
    EXPECT_TRUE(contains(verdict, R"("status":"failed")")) << verdict;
    EXPECT_TRUE(contains(verdict, R"("error":")")) << verdict;
    EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
    EXPECT_EQ(body_of(server.admin("/readyz")), "{\"status\":\"ready\"}\n");
  }
  EXPECT_TRUE(server.log().contains("failed to load config, the old one stays"));
  std::string file = R"("msg":"failed to load config file","component":"test","path":")" + server.config().path() + "/b.yaml";
  EXPECT_EQ(server.log().count(file), 4u);
  EXPECT_GE(server.metric(R"(fiso_config_reloads_total{result="failed"})").value_or(0), 4.0);
  int before = server.reload_attempts();
  server.config().remove("b.yaml");
  EXPECT_TRUE(contains(server.wait_for_reload(before), R"("status":"ok")"));
}

// What a flow starts ahead is part of its generation.
TEST(ReloadTest, AGuestThatCannotBeStartedAheadKeepsTheOldGenerationAndOpensNothing) {
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}, {"fiso.yaml", "shards: 2\n"}});
  ASSERT_EQ(server.error(), "");
  struct Case {
    std::string module, more, cause;
  };
  double failed = 0;
  for (const Case& bad : std::vector<Case>{{"trap_start", "", "wasm trap: "},
                                           {"loop_start", ", timeout: 100ms", "wasm execution timeout after 100ms"},
                                           {"exit_1", "", "module closed with exit_code(1)"},
                                           {"memory_bomb", ", memoryLimit: 8MiB", "wasm memory limit of 8MiB reached"}}) {
    FlowText flow{.name = "b", .address = kOtherAddress, .path = "/b", .guest = guest(bad.module)};
    flow.guest_more = ", execution: pooled, poolSize: 1" + bad.more;
    int before = server.reload_attempts();
    server.config().write("b.yaml", flow.str());
    std::string verdict = server.wait_for_reload(before);
    EXPECT_TRUE(contains(verdict, R"("status":"failed")")) << verdict;
    std::string told = "b.yaml:3:46: interceptors[0].config.module: build pipeline b: wasm runtime for " + guest(bad.module) +
                       ": start ahead: " + bad.cause;
    EXPECT_TRUE(contains(verdict, told)) << verdict;
    EXPECT_TRUE(server.log().contains(told)) << told;
    EXPECT_EQ(server.metric(R"(fiso_config_reloads_total{result="failed"})"), ++failed);
    EXPECT_FALSE(server.listens(kOtherAddress));
    EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
  }
  int before = server.reload_attempts();
  server.config().remove("b.yaml");
  EXPECT_TRUE(contains(server.wait_for_reload(before), R"("status":"ok")"));
}

TEST(ReloadTest, APortThatIsTakenKeepsTheOldGenerationAndOpensNothing) {
  EventReceiver other;
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}});
  int before = server.reload_attempts();
  server.config().write("b.yaml", FlowText{.name = "b", .address = "127.0.0.1:" + std::to_string(other.port())}.str());
  EXPECT_TRUE(contains(server.wait_for_reload(before), "address already in use"));
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
}

TEST(ReloadTest, IsAskedForByPost) {
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}});
  EXPECT_TRUE(contains(body_of(server.admin("/reload")), R"({"generation":1,"attempts":1,"status":"ok")"));
  EXPECT_EQ(status_of(server.admin("/reload", "POST")), 202);
  EXPECT_TRUE(contains(server.wait_for_reload(1), R"({"generation":2,"attempts":2,"status":"ok")"));
}

TEST(ReloadTest, WhatIsInFlightFinishesInItsGeneration) {
  TestServer server({{"a.yaml", answering("a", "/a", "sleeper")}, {"fiso.yaml", "shards: 1\n"}});
  RawClient client(server.port());
  client.send(post_text("/a", R"({"ms":500})"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="a"})") != 1.0) {}
  int before = server.reload_attempts();
  server.config().write("a.yaml", answering("a", "/a", "exit_1"));
  server.wait_for_reload(before);
  EXPECT_EQ(status_of(server.post("{}", "/a")), 500);
  EXPECT_EQ(status_of(client.exchange(post_text("/a", R"({"ms":0})"))), 200);
  EXPECT_EQ(status_of(client.read_response()), 500);
}

// Counters only rise, also while the generation before still moves them.
TEST(ReloadTest, AFlowsCountersOutliveItsGenerations) {
  TestServer server({{"a.yaml", answering("a", "/a", "sleeper")}, {"fiso.yaml", "shards: 1\n"}});
  RawClient client(server.port());
  client.send(post_text("/a", R"({"ms":500})"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="a"})") != 1.0) {}
  int before = server.reload_attempts();
  server.config().write("a.yaml", answering("a", "/a", "exit_1"));
  server.wait_for_reload(before);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_received_total{flow="a"})"), 1.0);
  EXPECT_EQ(status_of(server.post("{}", "/a")), 500);
  EXPECT_EQ(status_of(client.read_response()), 200);
  while (server.metric(R"(fiso_wasm_calls_total{flow="a",module="sleeper.wasm"})").has_value()) {}
  EXPECT_EQ(server.metric(R"(fiso_flow_events_received_total{flow="a"})"), 2.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="a",status="delivered"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_in_flight{flow="a"})"), 0.0);
  EXPECT_EQ(server.metric(R"(fiso_wasm_calls_total{flow="a",module="exit_1.wasm"})"), 1.0);
}

TEST(ReloadTest, NamesThatComeAndGoLeaveNoSeries) {
  constexpr int kReloads = 200;
  ConfigDirectory modules;
  std::ifstream file(guest("exit_1"), std::ios::binary);
  std::string module{std::istreambuf_iterator<char>(file), {}};
  TestServer server({{"a.yaml", answering("f0", "/a", "exit_1")}, {"fiso.yaml", "shards: 1\n"}});
  auto series_of_flows = [&] {
    std::istringstream lines(server.admin("/metrics"));
    size_t count = 0;
    for (std::string line; std::getline(lines, line);) count += contains(line, "flow=\"") ? 1 : 0;
    return count;
  };
  EXPECT_EQ(status_of(server.post("{}", "/a")), 500);
  size_t first = series_of_flows();
  for (int i = 1; i <= kReloads; ++i) {
    std::string name = "m" + std::to_string(i) + ".wasm";
    modules.write(name, module);
    int before = server.reload_attempts();
    server.config().write("a.yaml",
                          FlowText{.name = "f" + std::to_string(i), .path = "/a", .guest = modules.path() + "/" + name}.str());
    server.wait_for_reload(before);
    ASSERT_EQ(status_of(server.post("{}", "/a")), 500);
  }
  while (series_of_flows() > first) {}
  EXPECT_EQ(series_of_flows(), first);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_received_total{flow="f200"})"), 1.0);
  EXPECT_EQ(server.metric(R"(fiso_wasm_errors_total{flow="f200",kind="exit",module="m200.wasm"})"), 1.0);
}

TEST(ReloadTest, AConnectionOutlivesTheGeneration) {
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}});
  RawClient client(server.port());
  EXPECT_EQ(status_of(client.exchange(post_text("/a", "{}"))), 200);
  server.admin("/reload", "POST");
  server.wait_for_reload(1);
  EXPECT_EQ(status_of(client.exchange(post_text("/a", "{}"))), 200);
  EXPECT_EQ(server.metric(R"(fiso_flow_events_total{flow="a",status="delivered"})"), 2.0);
}

TEST(ReloadTest, AListenerThatNoFlowNamesAnyMoreIsClosed) {
  TestServer server(
      {{"a.yaml", answering("a", "/a", "enrich")}, {"b.yaml", FlowText{.name = "b", .address = kOtherAddress}.str()}});
  ASSERT_EQ(status_of(server.send(post_text("/ingest", "{}"), kOtherAddress)), 200);
  int before = server.reload_attempts();
  server.config().remove("b.yaml");
  server.wait_for_reload(before);
  EXPECT_TRUE(server.log().contains("http pool server stopping"));
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
}

TEST(ReloadTest, SettingsThatNeedARestartAreNamedAndTheFlowsAreReloaded) {
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}, {"fiso.yaml", "shards: 1\n"}});
  ASSERT_EQ(server.error(), "");
  auto reload = [&](const std::string& settings) {
    int before = server.reload_attempts();
    server.config().write("fiso.yaml", settings);
    return server.wait_for_reload(before);
  };
  std::string verdict = reload("shards: 2\nshutdownTimeout: 1h\nhttp: {maxHeaders: 5}\nwasm: {compile: {cpu: 5s}}\n");
  EXPECT_TRUE(contains(verdict, R"("status":"ok")")) << verdict;
  EXPECT_TRUE(contains(verdict, R"("restart_needed":["shards","wasm.compile.cpu","http.maxHeaders"])")) << verdict;
  EXPECT_TRUE(server.log().contains("setting has changed and takes effect at the next start"));
  EXPECT_TRUE(server.log().contains(R"("key":"http.maxHeaders")"));
  EXPECT_FALSE(contains(reload("shards: 1\nshutdownTimeout: 2h\n"), "restart_needed"));
}

// The start's shutdownTimeout would wait for longer than any test may take.
TEST(ReloadTest, TheShutdownTimeoutIsTakenOver) {
  TestServer server({{"a.yaml", FlowText{.guest = guest("loop"), .guest_more = ", timeout: 3s"}.str()},
                     {"fiso.yaml", "shards: 1\nshutdownTimeout: 1h\n"}});
  ASSERT_EQ(server.error(), "");
  int before = server.reload_attempts();
  server.config().write("fiso.yaml", "shards: 1\nshutdownTimeout: 100ms\n");
  server.wait_for_reload(before);
  RawClient client(server.port());
  client.send(post_text("/ingest", "{}"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 1.0) {}
  EXPECT_FALSE(server.stop());
}

// Whoever asked for https must not be served in the clear.
TEST(ReloadTest, TlsCannotBeSwitchedOnOpenPorts) {
  Certificate certificate;
  TestServer server({{"a.yaml", answering("a", "/a", "enrich")}});
  int before = server.reload_attempts();
  server.config().write("a.yaml", FlowText{.name = "a", .path = "/a", .source_more = tls_source(certificate)}.str());
  std::string verdict = server.wait_for_reload(before);
  EXPECT_TRUE(contains(verdict, R"("status":"failed")")) << verdict;
  EXPECT_TRUE(contains(verdict, "tls of 127.0.0.1:0 cannot be switched on or off while it is served")) << verdict;
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
}

}  // namespace
}  // namespace fiso::testing

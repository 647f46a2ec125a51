// Starting: what stops it, what it says then, and in which order things open.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/ascii.h"
#include "test_server.h"

namespace fiso::testing {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(StartTest, AnEmptyDirectoryIsAnError) {
  TestServer server(TestServer::Files{});
  EXPECT_TRUE(server.error().starts_with("load config: no flow definitions found in ")) << server.error();
}

TEST(StartTest, AllThatIsWrongInAllFilesIsShownAtOnce) {
  TestServer server({{"a.yaml", "name: a\n"}, {"b.yaml", FlowText{.sink = "{type: discrd}"}.str()}, {"fiso.yaml", "shard: 1\n"}});
  EXPECT_TRUE(server.error().starts_with("load config: 4 problems\n")) << server.error();
  EXPECT_TRUE(contains(server.error(), "a.yaml:1:1: source: source.type is required")) << server.error();
  EXPECT_TRUE(contains(server.error(), "a.yaml:1:1: sink: sink.type is required")) << server.error();
  EXPECT_TRUE(contains(server.error(), "b.yaml:3:14: sink.type: sink.type \"discrd\" is not valid")) << server.error();
  EXPECT_TRUE(contains(server.error(), "fiso.yaml:1:1: shard: unknown key \"shard\" (did you mean \"shards\"?)"))
      << server.error();
}

TEST(StartTest, AModuleThatIsMissingIsNamed) {
  TestServer server(FlowText{.guest = "/no/such/module.wasm"});
  EXPECT_TRUE(
      contains(server.error(), "flow.yaml:3:46: interceptors[0].config.module: module path not accessible: /no/such/module.wasm"))
      << server.error();
}

TEST(StartTest, AModuleThatIsADirectoryIsNamed) {
  std::string directory = std::filesystem::temp_directory_path();
  TestServer server(FlowText{.guest = directory});
  EXPECT_TRUE(contains(server.error(), "module path not accessible: " + directory)) << server.error();
}

TEST(StartTest, WhatIsNoModuleIsNamed) {
  const std::string place = "flow.yaml:3:46: interceptors[0].config.module: ";
  for (const auto& [name, why] : {std::pair("empty", "it is not a WebAssembly binary"),
                                  {"text", "it is not a WebAssembly binary"},
                                  {"component", "it is a WebAssembly component; build a core module (target wasm32-wasip1)"}}) {
    TestServer server(FlowText{.guest = guest(name)});
    EXPECT_TRUE(contains(server.error(), place + "module " + guest(name) + " cannot be used: " + why)) << server.error();
  }
  for (const auto& [name, why] : {std::pair("truncated", "unexpected end"),
                                  {"garbage", "malformed section id"},
                                  {"imports_unknown", "unknown import"},
                                  {"no_start", "it exports no function _start"},
                                  {"memory_declares_4gib", "the module needs 4GiB of memory, memoryLimit is 256MiB"}}) {
    TestServer server(FlowText{.guest = guest(name)});
    std::string told = place + "build pipeline orders: wasm runtime for " + guest(name) + ": compile wasm module: ";
    EXPECT_TRUE(contains(server.error(), told)) << server.error();
    EXPECT_TRUE(contains(server.error(), why)) << server.error();
  }
}

TEST(StartTest, EveryPortThatIsTakenIsNamed) {
  EventReceiver one, other;
  auto address = [](const EventReceiver& taken) { return "127.0.0.1:" + std::to_string(taken.port()); };
  TestServer server({{"a.yaml", FlowText{.name = "a", .address = address(one)}.str()},
                     {"b.yaml", FlowText{.name = "b", .address = address(other)}.str()}});
  for (const EventReceiver* taken : {&one, &other})
    EXPECT_TRUE(contains(server.error(), "listen " + address(*taken) + ": address already in use")) << server.error();
}

TEST(StartTest, EveryModuleThatIsMissingIsNamedWithAllElseThatIsWrong) {
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a", .guest = "/no/a.wasm"}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/b", .guest = "/no/b.wasm"}.str()},
                     {"c.yaml", "source: {type: http, config: {listenAddr: ':1'}}\nsink: {type: discard}\n"}});
  EXPECT_TRUE(server.error().starts_with("load config: 3 problems\n")) << server.error();
  for (std::string_view problem : {"a.yaml:3:46: interceptors[0].config.module: module path not accessible: /no/a.wasm",
                                   "b.yaml:3:46: interceptors[0].config.module: module path not accessible: /no/b.wasm",
                                   "c.yaml:1:1: name: name is required"})
    EXPECT_TRUE(contains(server.error(), std::string(problem))) << server.error();
  EXPECT_FALSE(server.log().contains("metrics server starting")) << "a port was opened";
}

TEST(StartTest, WhatChecksFindIsToldAtOnce) {
  std::string more = ", preopens: {/d: /no/dir}, execution: pooled, poolSize: 8, memoryLimit: 2MiB";
  TestServer server({{"a.yaml", FlowText{.guest = guest("enrich"), .guest_more = more}.str()},
                     {"b.yaml",
                      "name: b\nsource: {type: http, config: {listenAddr: '127.0.0.1:0', path: /b}}\n"
                      "sink: {type: http, config: {url: 'https://a', tls: {caFile: /no/ca.pem}}}\n"},
                     {"fiso.yaml", "wasm: {maxInstances: 8, totalMemory: 1MiB}\n"}});
  EXPECT_TRUE(server.error().starts_with("load config: 4 problems\n")) << server.error();
  for (std::string_view problem :
       {"interceptors[0].config.preopens[\"/d\"]: preopen directory not accessible: /no/dir: No such file or directory",
        "interceptors[0].config.poolSize: poolSize 8 leaves no instance for others: wasm.maxInstances is 8",
        "interceptors[0].config.memoryLimit can never be reached: wasm.totalMemory is 1MiB",
        "b.yaml:3:61: sink.config.tls.caFile: /no/ca.pem: No such file or directory: tls: cannot use the certificate "
        "authorities"})
    EXPECT_TRUE(contains(server.error(), std::string(problem))) << server.error();
  EXPECT_FALSE(server.log().contains("metrics server starting")) << "a port was opened";
}

TEST(StartTest, EveryFlowThatCannotBeBuiltIsNamed) {
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a", .guest = guest("no_start")}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/b", .guest = guest("imports_unknown")}.str()}});
  EXPECT_TRUE(contains(server.error(), "build pipeline a: ")) << server.error();
  EXPECT_TRUE(contains(server.error(), "build pipeline b: ")) << server.error();
}

TEST(StartTest, EveryModuleOfAFlowThatCannotBeUsedIsNamed) {
  std::string interceptors;
  for (const char* name : {"no_start", "enrich", "imports_unknown"})
    interceptors += "  - {type: wasm, config: {module: " + guest(name) + "}}\n";
  TestServer server(FlowText{.more = "interceptors:\n" + interceptors});
  EXPECT_TRUE(contains(server.error(), guest("no_start"))) << server.error();
  EXPECT_TRUE(contains(server.error(), guest("imports_unknown"))) << server.error();
  EXPECT_FALSE(contains(server.error(), guest("enrich"))) << server.error();
}

TEST(StartTest, TwoModulesOfOneNameHaveSeriesOfTheirOwn) {
  ConfigDirectory modules;  // any scratch directory will do
  std::filesystem::create_directories(modules.path() + "/mx");
  std::filesystem::create_directories(modules.path() + "/my");
  std::filesystem::copy_file(guest("enrich"), modules.path() + "/mx/m.wasm");
  std::filesystem::copy_file(guest("passthrough"), modules.path() + "/my/m.wasm");
  TestServer server(FlowText{.more = "interceptors:\n  - {type: wasm, config: {module: " + modules.path() +
                                     "/mx/m.wasm}}\n  - {type: wasm, config: {module: " + modules.path() + "/my/m.wasm}}\n"});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post("{}")), 200);
  for (std::string name : {"mx/m.wasm", "my/m.wasm"})
    EXPECT_EQ(server.metric("fiso_wasm_calls_total{flow=\"orders\",module=\"" + name + "\"}"), 1.0) << name;
}

TEST(StartTest, AnAddressUnderTwoNamesIsToldBeforeAnythingIsOpened) {
  TestServer server({{"a.yaml", FlowText{.name = "a", .address = ":8081"}.str()},
                     {"b.yaml", FlowText{.name = "b", .address = "0.0.0.0:8081"}.str()}});
  EXPECT_TRUE(
      contains(server.error(), "b.yaml:2:43: source.config.listenAddr: http source: 0.0.0.0:8081 takes the port of :8081"))
      << server.error();
  EXPECT_FALSE(server.log().contains("metrics server starting")) << "a port was opened";
}

TEST(StartTest, APathThatIsTakenIsNamed) {
  TestServer server({{"a.yaml", FlowText{.name = "a"}.str()}, {"b.yaml", FlowText{.name = "b"}.str()}});
  EXPECT_TRUE(
      contains(server.error(),
               "b.yaml:2:64: source.config.path: http source: pre-register: path \"/ingest\" already registered on 127.0.0.1:0"))
      << server.error();
}

TEST(StartTest, APortInUseIsNamedAndNothingServes) {
  EventReceiver other;
  std::string address = "127.0.0.1:" + std::to_string(other.port());
  TestServer server(FlowText{.address = address});
  EXPECT_TRUE(contains(server.error(), "listen " + address + ": address already in use")) << server.error();
  EXPECT_FALSE(server.log().contains("flow started"));
}

TEST(StartTest, SeveralFlowsShareAListenerAndOthersHaveTheirOwn) {
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a"}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/tree/"}.str()},
                     {"c.yaml", FlowText{.name = "c", .address = kOtherAddress, .path = "/a"}.str()}});
  ASSERT_EQ(server.error(), "");
  EXPECT_NE(server.port(kAddress), server.port(kOtherAddress));
  EXPECT_EQ(status_of(server.post("{}", "/a")), 200);
  EXPECT_EQ(status_of(server.post("{}", "/tree/x/y")), 200);
  EXPECT_EQ(status_of(server.post("{}", "/tree")), 404);
  EXPECT_EQ(status_of(server.send(post_text("/a", "{}"), kOtherAddress)), 200);
  EXPECT_EQ(status_of(server.send(post_text("/tree/x", "{}"), kOtherAddress)), 404);
  for (std::string_view flow : {"a", "b", "c"})
    EXPECT_EQ(server.metric("fiso_flow_events_total{flow=\"" + std::string(flow) + "\",status=\"delivered\"}"), 1.0) << flow;
}

TEST(StartTest, TheLogTellsTheOrder) {
  TestServer server(FlowText{.guest = guest("enrich")});
  ASSERT_EQ(server.error(), "");
  std::vector<std::string> lines = server.log().lines();
  size_t at = 0;
  for (std::string_view message : {"metrics server starting", "watching config directory", "building flow",
                                   "loaded wasm interceptor", "starting flows", "http pool server starting", "flow started"}) {
    while (at < lines.size() && lines[at].find("\"msg\":\"" + std::string(message) + "\"") == std::string::npos) ++at;
    EXPECT_LT(at, lines.size()) << message << " is missing, or too early";
  }
  EXPECT_TRUE(server.stop());
  EXPECT_TRUE(server.log().contains("shutdown initiated"));
  EXPECT_TRUE(server.log().contains("shutdown complete"));
}

TEST(StartTest, AnIdleConnectionDoesNotHoldUpAStop) {
  TestServer server({{"flow.yaml", FlowText{}.str()}, {"fiso.yaml", "shutdownTimeout: 1h\nhttp: {idleTimeout: 1h}\n"}});
  RawClient idle(server.port());
  EXPECT_EQ(status_of(idle.exchange(post_text("/ingest", "{}"))), 200);
  EXPECT_TRUE(server.stop());
  EXPECT_TRUE(idle.at_end());
}

TEST(StartTest, AStopFinishesWhatIsInFlight) {
  TestServer server(FlowText{.guest = guest("sleeper")});
  RawClient client(server.port());
  client.send(post_text("/ingest", R"({"ms":300})"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 1.0) {}
  TestServer::signal_stop();
  std::string answer = client.read_response();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(to_lower(header_of(answer, "Connection")), "close");
  EXPECT_TRUE(server.wait_stopped());
  EXPECT_EQ(server.log().count(R"("msg":"flow stopped","component":"test","name":"orders")"), 1u);
}

TEST(StartTest, AGuestThatIsBeingStartedAheadDoesNotHoldUpAStop) {
  constexpr char kPooled[] = ", execution: pooled, timeout: 1h";
  auto flow = [&](const std::string& name, const std::string& module, const std::string& more) {
    return FlowText{.name = name, .path = "/" + name, .guest = guest(module), .guest_more = kPooled + more}.str();
  };
  TestServer server({{"a.yaml", flow("computes", "loop", "")},
                     {"b.yaml", flow("sleeps", "slow_start", ", args: ['3600000']")},
                     {"fiso.yaml", "shards: 2\n"}});
  ASSERT_EQ(server.error(), "");
  EXPECT_GE(server.metric(R"(fiso_wasm_instances{flow="computes",module="loop.wasm"})"), 1.0);
  EXPECT_GE(server.metric(R"(fiso_wasm_instances{flow="sleeps",module="slow_start.wasm"})"), 1.0);
  EXPECT_EQ(server.log().count("flow is served before all that it starts ahead stands ready"), 2u);
  EXPECT_TRUE(server.stop());
  EXPECT_TRUE(server.log().contains("shutdown complete"));
}

TEST(StartTest, GuestsThatCannotBeStartedAheadAreAllNamed) {
  constexpr char kPooled[] = ", execution: pooled";
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a", .guest = guest("exit_1"), .guest_more = kPooled}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/b", .guest = guest("trap_start"), .guest_more = kPooled}.str()}});
  for (const auto& [flow, module] : {std::pair("a", "exit_1"), {"b", "trap_start"}}) {
    std::string told = std::string(flow) + ".yaml:3:46: interceptors[0].config.module: build pipeline " + flow +
                       ": wasm runtime for " + guest(module) + ": start ahead: ";
    EXPECT_TRUE(contains(server.error(), told)) << server.error();
  }
}

// Attempts enough for longer than any test may take, in the generation that serves and in one that a reload has replaced.
TEST(StartTest, AStopAnswersWhatWaitsToBeTriedAgain) {
  auto flow = [](const std::string& path) {
    return FlowText{.path = path, .sink = http_sink(1), .more = "errorHandling: {maxRetries: 100, backoff: exponential}\n"}.str();
  };
  TestServer server({{"flow.yaml", flow("/a")}, {"fiso.yaml", "shards: 1\nshutdownTimeout: 1h\n"}});
  RawClient earlier(server.port()), later(server.port());
  earlier.send(post_text("/a", "{}"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 1.0) {}
  int before = server.reload_attempts();
  server.config().write("flow.yaml", flow("/b"));
  server.wait_for_reload(before);
  later.send(post_text("/b", "{}"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 2.0) {}
  EXPECT_TRUE(server.stop());
  for (RawClient* client : {&earlier, &later}) {
    std::string answer = client->read_all();
    EXPECT_EQ(status_of(answer), 500) << answer;
    EXPECT_TRUE(contains(answer, "SINK_DELIVERY_FAILED: delivery failed after ")) << answer;
  }
}

TEST(StartTest, AStopThatTakesTooLongCutsAndSaysSo) {
  TestServer server({{"flow.yaml", FlowText{.guest = guest("loop"), .guest_more = ", timeout: 3s"}.str()},
                     {"fiso.yaml", "shutdownTimeout: 100ms\n"}});
  RawClient client(server.port());
  client.send(post_text("/ingest", "{}"));
  while (server.metric(R"(fiso_flow_events_in_flight{flow="orders"})") != 1.0) {}
  EXPECT_FALSE(server.stop());
  EXPECT_NE(status_of(client.read_all()), 200);
}

}  // namespace
}  // namespace fiso::testing

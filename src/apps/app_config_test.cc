#include "apps/app_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fiso::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string errors_of(const std::string& text, AppConfig* parsed = nullptr) {
  config::Errors errors;
  AppConfig app;
  auto document = config::Document::parse(text, "apps.yaml", errors);
  if (document.has_value()) app_spec().parse(document->root(), "apps[0]", app, errors);
  if (parsed != nullptr) *parsed = app;
  return errors.render();
}

TEST(AppConfig, HasTheDefaultsOfTheDocumentation) {
  AppConfig app;
  EXPECT_EQ(errors_of("name: a\nmodule: a.wasm", &app), "");
  EXPECT_EQ(app.runtime, wasm::Runtime::kFull);
  EXPECT_EQ(app.execution, Execution::kPerRequest);
  EXPECT_EQ(app.port, 0);
  EXPECT_EQ(app.health_check_interval, std::chrono::seconds(10));
}

TEST(AppConfig, EveryKeyIsRead) {
  AppConfig app;
  EXPECT_EQ(
      errors_of(
          "name: a\nmodule: a.wasm\nruntime: wazero\nexecution: pooled\npoolSize: 2\nmaxRequests: 5\nport: 8090\n"
          "listenAddr: 0.0.0.0\nmemoryMB: 64\ntimeout: 60s\nargs: [x]\nenv: {K: V}\npreopens: {/d: /tmp}\n"
          "healthCheck: /health\nhealthCheckInterval: 1s\nhealthCheckTimeout: 2s\nunhealthyThreshold: 5\ninput: stdin-file\n",
          &app),
      "");
  EXPECT_EQ(app.runtime, wasm::Runtime::kLight);
  EXPECT_EQ(app.pool_size, 2);
  EXPECT_EQ(app.input, Input::kStdinFile);
  EXPECT_EQ(app.memory_mb, 64);
  EXPECT_EQ(app.timeout, std::chrono::seconds(60));
  EXPECT_EQ(app.env.at("K").reveal(), "V");
  EXPECT_EQ(app.unhealthy_threshold, 5);
}

TEST(AppConfig, AGuestThatLivesOnHasKeysOfItsOwn) {
  AppConfig app;
  EXPECT_EQ(
      errors_of("name: a\nmodule: m\nexecution: longRunning\nstartTimeout: 5s\nrestart: on-failure\nunhealthyThreshold: 2", &app),
      "");
  EXPECT_EQ(app.execution, Execution::kLongRunning);
  EXPECT_EQ(app.start_timeout, std::chrono::seconds(5));
  EXPECT_EQ(app.restart, Restart::kOnFailure);
  EXPECT_THAT(errors_of("name: a\nmodule: m\nrestart: never"),
              HasSubstr("restart has an effect with `execution: longRunning` only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nstartTimeout: 5s"), HasSubstr("startTimeout has an effect with"));
  EXPECT_EQ(errors_of("name: a\nmodule: m\nexecution: longRunning\nidleTimeout: 1h", &app), "");
  EXPECT_EQ(app.idle_timeout, std::chrono::hours(1));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nexecution: longRunning\nprotocol: ndjson\nidleTimeout: 1h"),
              HasSubstr("guests that serve HTTP only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nidleTimeout: 1h"), HasSubstr("idleTimeout has an effect with"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nexecution: longRunning\nrestart: often"), HasSubstr("apps[0].restart"));
  EXPECT_EQ(errors_of("name: a\nmodule: m\nexecution: longRunning\nruntime: wazero"), "");
  EXPECT_THAT(errors_of("name: a\nmodule: m\nexecution: longRunning\nruntime: wazero\npoolSize: 2"),
              HasSubstr("poolSize has an effect with `execution: pooled` only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nunhealthyThreshold: 2"),
              HasSubstr("`healthCheck` or `execution: longRunning` only"));
}

TEST(AppConfig, ComplainsInTheWordsOfTheContract) {
  EXPECT_THAT(errors_of("module: a.wasm"), HasSubstr("app name is required"));
  EXPECT_THAT(errors_of("name: a"), HasSubstr("module path is required"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nexecution: often"), HasSubstr("invalid execution mode: often"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nruntime: v8"), HasSubstr("unknown runtime type: v8"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nport: 70000"),
              HasSubstr("apps.yaml:3:7: apps[0].port: invalid port: 70000 (must be between 0 and 65535)"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nport: -1"), HasSubstr("invalid port: -1 (must be"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nmemoryMB: -64"), HasSubstr("memory limit must be non-negative: -64"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nmemoryMB: 4097"), HasSubstr("memoryMB must be between 1 and 4096, got 4097"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\ntimeout: -5s"), HasSubstr("timeout must be non-negative: -5s"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nhealthCheck: /\nhealthCheckInterval: -1m"),
              HasSubstr("health check interval must be non-negative: -1m"));
}

TEST(AppConfig, ZeroIsTheDefaultWhereTheContractHasItSo) {
  AppConfig app;
  EXPECT_EQ(errors_of("name: a\nmodule: m\nmemoryMB: 0\ntimeout: 0s\nhealthCheck: /\nhealthCheckInterval: 0s", &app), "");
  EXPECT_EQ(app.memory_mb, AppConfig().memory_mb);
  EXPECT_EQ(app.timeout, AppConfig().timeout);
  EXPECT_EQ(app.health_check_interval, AppConfig().health_check_interval);
  EXPECT_THAT(errors_of("name: a\nmodule: m\ntimeout: 1us"), HasSubstr("timeout must be between 1ms and 24h"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nhealthCheck: /\nhealthCheckTimeout: 0s"),
              HasSubstr("healthCheckTimeout must be between"));
}

TEST(AppConfig, NamesArePlain) {
  for (const char* good : {"a", "order-api_2.x", "A"})
    EXPECT_EQ(errors_of("name: " + std::string(good) + "\nmodule: m"), "") << good;
  for (const char* bad : {"a b", "a/b", "\"a\\nb\"", "\"\\e[31m\"", "..", "\u00e9"})
    EXPECT_THAT(
        errors_of("name: " + std::string(bad) + "\nmodule: m"),
        AllOf(HasSubstr("apps.yaml:1:7: apps[0].name: \""), HasSubstr("\": a name has up to 100 letters, digits, - _ and .")))
        << bad;
  EXPECT_THAT(errors_of("name: " + std::string(101, 'a') + "\nmodule: m"), HasSubstr("a name has up to 100"));
}

TEST(AppConfig, AHealthCheckIsARequestTarget) {
  EXPECT_EQ(errors_of("name: a\nmodule: m\nhealthCheck: /a%20b?deep=1"), "");
  for (const char* bad : {"/a b", "/#a", "/%zz", "\"/health HTTP/1.1\\r\\nX: y\"", "/\u00e9"})
    EXPECT_THAT(
        errors_of("name: a\nmodule: m\nhealthCheck: " + std::string(bad)),
        AllOf(HasSubstr("apps.yaml:3:14: apps[0].healthCheck: \"/"), HasSubstr("\" is not a path: what is no printable ASCII")))
        << bad;
}

TEST(AppConfig, ARangeOfPortsIsOne) {
  auto errors_of_range = [](const std::string& text) {
    config::Errors errors;
    PortRange range;
    auto document = config::Document::parse(text, "apps.yaml", errors);
    port_range_spec().parse(document->root(), "defaultPortRange", range, errors);
    return errors.render();
  };
  EXPECT_EQ(errors_of_range("min: 1\nmax: 65535"), "");
  EXPECT_THAT(errors_of_range("min: 0"), HasSubstr("invalid port range min: 0"));
  EXPECT_THAT(errors_of_range("max: 65536"), HasSubstr("invalid port range max: 65536"));
  EXPECT_THAT(errors_of_range("min: 9001\nmax: 9000"), HasSubstr("port range min cannot be greater than max"));
}

TEST(AppConfig, ABareDurationSaysWhichUnitToWrite) {
  EXPECT_THAT(errors_of("name: a\nmodule: m\ntimeout: 60"), HasSubstr("apps.yaml:3:10: apps[0].timeout"));
}

TEST(AppConfig, KeysWithoutEffectAreRefused) {
  EXPECT_THAT(errors_of("name: a\nmodule: m\npoolSize: 3"), HasSubstr("poolSize has an effect with `execution: pooled` only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nruntime: wazero\nnetwork: {mode: none}"), HasSubstr("`runtime: wasmer` only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nhealthCheckInterval: 3s"), HasSubstr("`healthCheck` only"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nhealthCheck: health"), HasSubstr("a path begins with /"));
}

TEST(AppConfig, HostsAndVariablesAreChecked) {
  for (auto [written, host] : {std::pair("'[::1]'", "[::1]"), {"'::1'", "[::1]"}, {"0.0.0.0", "0.0.0.0"}, {"''", "127.0.0.9"}}) {
    AppConfig app;
    EXPECT_EQ(errors_of("name: a\nmodule: m\nenv: {A: 1}\nlistenAddr: " + std::string(written), &app), "");
    EXPECT_EQ(host_of(app, "127.0.0.9"), host);
  }
  for (const char* bad : {"a b", "localhost", "999.1.1.1", "127.0.1"})
    EXPECT_THAT(
        errors_of("name: a\nmodule: m\nlistenAddr: " + std::string(bad)),
        HasSubstr("apps.yaml:3:13: apps[0].listenAddr: apps[0].listenAddr \"" + std::string(bad) + "\" is not an IP address"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nenv: {A=B: 1}"),
              HasSubstr("apps.yaml:3:7: apps[0].env[\"A=B\"]: the name of a variable"));
}

TEST(AppConfig, APortOfBytesNeedsAGuestThatServesIt) {
  AppConfig app;
  std::string lives_on = "name: a\nmodule: m\nexecution: longRunning\n";
  EXPECT_EQ(errors_of(lives_on + "listen: tcp\nport: 8090\nnetwork: {listen: [8091, 8092]}", &app), "");
  EXPECT_EQ(app.listen, Listen::kTcp);
  EXPECT_EQ(app.network->listen, (std::vector<int64_t>{8091, 8092}));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nlisten: tcp"), HasSubstr("listen: tcp needs `execution: longRunning`"));
  EXPECT_THAT(errors_of(lives_on + "listen: tcp\nhealthCheck: /"), HasSubstr("healthCheck has no effect with `listen: tcp`"));
  EXPECT_THAT(errors_of(lives_on + "listen: tcp\ntimeout: 1s"), HasSubstr("timeout has no effect with `listen: tcp`"));
  EXPECT_THAT(errors_of(lives_on + "listen: udp"), HasSubstr("listen \"udp\" is not valid"));
  EXPECT_THAT(errors_of("name: a\nmodule: m\nnetwork: {listen: [1]}"), HasSubstr("network.listen has an effect with"));
  EXPECT_THAT(errors_of(lives_on + "port: 8090\nnetwork: {listen: [8090]}"), HasSubstr("port 8090 is the app's own"));
  EXPECT_THAT(errors_of(lives_on + "network: {listen: [0]}"), HasSubstr("0 is no port"));
  EXPECT_THAT(errors_of(lives_on + "network: {listen: [7, 7]}"), HasSubstr("port 7 is there twice"));
}

}  // namespace
}  // namespace fiso::apps

#include "components/process_network.h"

#include <gtest/gtest.h>

#include "observe/testing/captured_log.h"

namespace fiso {
namespace {

using Mode = GuestNetwork::Mode;

TEST(ProcessNetwork, ItsControlPortsAreRefusedToEveryGuest) {
  ProcessNetwork network;
  network.refuse_port(9090);
  network.refuse_port(3500);
  std::vector<uint16_t> both{9090, 3500};
  EXPECT_EQ(network.rules_of(std::nullopt).refused_ports, both);
  EXPECT_EQ(network.rules_of(GuestNetwork{.mode = Mode::kOpen}).refused_ports, both);
}

TEST(ProcessNetwork, APolicyOfAllIsThatOfGuestsWithoutTheirOwn) {
  ProcessNetwork network(GuestNetwork{.mode = Mode::kNone});
  EXPECT_EQ(network.rules_of(std::nullopt).mode, wasm::NetworkMode::kNone);
  EXPECT_EQ(network.rules_of(GuestNetwork{.mode = Mode::kOpen}).mode, wasm::NetworkMode::kOpen);
  EXPECT_EQ(ProcessNetwork().rules_of(std::nullopt).mode, wasm::NetworkMode::kOpen);
}

TEST(ProcessNetwork, LookupsWithoutANetworkAreAContradiction) {
  ProcessNetwork network(GuestNetwork{.mode = Mode::kNone});
  EXPECT_TRUE(network.bad_dns(GuestNetwork{.dns = true}).has_value());
  EXPECT_FALSE(network.bad_dns(GuestNetwork{.dns = false}).has_value());
  EXPECT_FALSE(network.bad_dns(GuestNetwork{.allow = {"a:1"}, .dns = true}).has_value());
  EXPECT_FALSE(network.bad_dns(std::nullopt).has_value());
  EXPECT_FALSE(ProcessNetwork().bad_dns(GuestNetwork{.dns = true}).has_value());
}

TEST(ProcessNetwork, ThePolicyIsOneLine) {
  testing::CapturedLog log;
  log_network_policy(log.log(), {.mode = wasm::NetworkMode::kAllowList,
                                 .dns = false,
                                 .allow = {"a:1", "10.0.0.0/8:*"},
                                 .refused_ports = {9090},
                                 .listen = {{.guest_port = 8090, .host = "127.64.0.1:0"}}});
  EXPECT_TRUE(
      log.contains(R"("mode":"allowlist","allow":"a:1, 10.0.0.0/8:*","dns":false,"listen":"8090","refused_ports":"9090")"));
}

}  // namespace
}  // namespace fiso

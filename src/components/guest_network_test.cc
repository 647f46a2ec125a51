#include "components/guest_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fiso {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  GuestNetwork network;
  std::string errors;
};

Parsed parse(const std::string& text) {
  config::Errors errors;
  Parsed parsed;
  auto document = config::Document::parse(text, "x.yaml", errors);
  if (document.has_value()) guest_network_spec().parse(document->root(), "network", parsed.network, errors);
  parsed.errors = errors.render();
  return parsed;
}

TEST(GuestNetwork, IsOpenWithLookupsByDefault) {
  wasm::NetworkRules rules = GuestNetwork().rules();
  EXPECT_EQ(rules.mode, wasm::NetworkMode::kOpen);
  EXPECT_TRUE(rules.dns);
}

TEST(GuestNetwork, AListMakesItAnAllowList) {
  Parsed parsed = parse("allow: [\"db.internal:5432\", \"10.0.0.0/8:*\", \"[2001:db8::]/32:443\", \"192.0.2.1:80\"]\ndns: false");
  EXPECT_EQ(parsed.errors, "");
  wasm::NetworkRules rules = parsed.network.rules();
  EXPECT_EQ(rules.mode, wasm::NetworkMode::kAllowList);
  EXPECT_EQ(rules.allow.size(), 4u);
  EXPECT_FALSE(rules.dns);
}

TEST(GuestNetwork, NoneMeansNoLookupsEither) {
  EXPECT_FALSE(parse("mode: none").network.rules().dns);
  EXPECT_THAT(parse("mode: none\ndns: true").errors, HasSubstr("network.dns cannot be true"));
  EXPECT_THAT(parse("mode: none\nallow: [\"a:1\"]").errors, HasSubstr("network.allow has no effect"));
}

TEST(GuestNetwork, AnAllowListNeedsAList) { EXPECT_THAT(parse("mode: allowlist").errors, HasSubstr("allowlist needs `allow`")); }

TEST(GuestNetwork, WhatItDoesNotSayIsTakenFromTheOther) {
  GuestNetwork other{.mode = GuestNetwork::Mode::kAllowList, .allow = {"a:1"}, .dns = false};
  wasm::NetworkRules rules = GuestNetwork().or_else(other).rules();
  EXPECT_EQ(rules.mode, wasm::NetworkMode::kAllowList);
  EXPECT_EQ(rules.allow, std::vector<std::string>{"a:1"});
  EXPECT_FALSE(rules.dns);
  EXPECT_TRUE(GuestNetwork{.dns = true}.or_else(other).rules().dns);
}

TEST(GuestNetwork, ModeAndListGoTogether) {
  GuestNetwork none{.mode = GuestNetwork::Mode::kNone};
  GuestNetwork listed{.allow = {"b:2"}};
  EXPECT_EQ(listed.or_else(none).rules().mode, wasm::NetworkMode::kAllowList);
  EXPECT_TRUE(listed.or_else(none).rules().dns);
  GuestNetwork open{.mode = GuestNetwork::Mode::kOpen};
  EXPECT_TRUE(open.or_else(listed).rules().allow.empty());
  EXPECT_EQ(GuestNetwork().or_else(none).rules().mode, wasm::NetworkMode::kNone);
  EXPECT_FALSE(GuestNetwork().or_else(none).rules().dns);
}

TEST(GuestNetwork, EntriesThatMakeNoSenseAreRefused) {
  for (const char* entry : {"db.internal", "db.internal:", ":80", "a b:80", "10.0.0.0/33:80", "10.0.0/8:80", "[::1:80",
                            "[nine]:80", "host:0", "host:65536", "host:http", "http://host:80"})
    EXPECT_NE(bad_allow_entry(entry), std::nullopt) << entry;
  EXPECT_THAT(parse("allow: [nonsense]").errors, HasSubstr("x.yaml:1:8: network.allow: \"nonsense\" is not HOST:PORT"));
}

}  // namespace
}  // namespace fiso

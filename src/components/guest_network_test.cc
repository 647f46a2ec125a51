#include "components/guest_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fiso {
namespace {

using ::testing::HasSubstr;

struct Parsed {
  GuestNetwork network;
  std::string errors;
};

Parsed parse(const std::string& text, GuestListens listens = GuestListens::kNo) {
  config::Errors errors;
  Parsed parsed;
  auto document = config::Document::parse(text, "x.yaml", errors);
  if (document.has_value()) guest_network_spec(listens).parse(document->root(), "network", parsed.network, errors);
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

TEST(GuestNetwork, SocketsAreSixtyFourUnlessOneOfBothSaysOtherwise) {
  GuestNetwork other{.sockets = 8};
  EXPECT_EQ(GuestNetwork().rules().sockets, 64u);
  EXPECT_EQ(GuestNetwork().or_else(other).rules().sockets, 8u);
  EXPECT_EQ(parse("sockets: 240").network.or_else(other).rules().sockets, 240u);
  EXPECT_THAT(parse("sockets: 241").errors, HasSubstr("network.sockets must be between 0 and 240"));
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
  EXPECT_THAT(parse("allow: [nonsense]").errors, HasSubstr("x.yaml:1:9: network.allow[0]: \"nonsense\" is not HOST:PORT"));
}

TEST(GuestNetwork, EveryEntryThatMakesNoSenseIsToldAtItsPlace) {
  std::string errors = parse("allow:\n  - a\n  - b:1\n  - c\n").errors;
  EXPECT_THAT(errors, HasSubstr("x.yaml:2:5: network.allow[0]: \"a\" is not HOST:PORT"));
  EXPECT_THAT(errors, HasSubstr("x.yaml:4:5: network.allow[2]: \"c\" is not HOST:PORT"));
  EXPECT_EQ(std::ranges::count(errors, '\n'), 2);
  EXPECT_EQ(parse("listen: [0, 80, 70000, 80]", GuestListens::kYes).errors,
            "x.yaml:1:10: network.listen[0]: 0 is no port: 1 to 65535\n"
            "x.yaml:1:17: network.listen[2]: 70000 is no port: 1 to 65535\n"
            "x.yaml:1:24: network.listen[3]: port 80 is there twice\n");
}

}  // namespace
}  // namespace fiso

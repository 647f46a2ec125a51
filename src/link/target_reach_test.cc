#include "link/target_reach.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/document.h"
#include "link/target_config.h"
#include "net/testing/certificate.h"

namespace fiso::link {
namespace {

using testing::Certificate;
using ::testing::HasSubstr;

struct Parsed {
  TargetConfig target;
  std::string errors;
};

Parsed parse(const std::string& text) {
  config::Errors errors;
  Parsed parsed;
  auto document = config::Document::parse("name: a\n" + text, "x.yaml", errors);
  if (document.has_value()) target_spec(core::Registry()).parse(document->root(), "", parsed.target, errors);
  parsed.errors = errors.render();
  return parsed;
}

TEST(TargetReach, NamesAndAddressesAreHosts) {
  for (const char* host : {"api.test", "API_1.test", "1password.test", "a", "0x.test", "10.1.2.3", "\"::1\"", "\"[2001:db8::1]\"",
                           "\"::ffff:10.0.0.1\""})
    EXPECT_EQ(parse(std::string("host: ") + host).errors, "") << host;
}

TEST(TargetReach, WhatSomeReadAsAnAddressIsNoHost) {
  for (const char* host :
       {"2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "1.2.3.4.5", "256.1.1.1", "127.0.0.1.", "a.0x7f", "a.1"})
    EXPECT_THAT(parse(std::string("host: \"") + host + "\"").errors, HasSubstr("is not a host name or an IP address")) << host;
}

TEST(TargetReach, NeighboursAreAllowedUnlessTheTargetSaysOtherwise) {
  auto local = boost::asio::ip::make_address("127.0.0.1");
  TargetConfig usual = parse("host: a.test").target;
  EXPECT_EQ(address_rules(usual.allow_private, usual.allow_addresses).refusal(local), "");
  TargetConfig strict = parse("host: a.test\nallowPrivate: false").target;
  EXPECT_EQ(address_rules(strict.allow_private, strict.allow_addresses).refusal(local), "a loopback address");
  TargetConfig listed = parse("host: a.test\nallowPrivate: false\nallowAddresses: [127.0.0.0/8]").target;
  EXPECT_EQ(address_rules(listed.allow_private, listed.allow_addresses).refusal(local), "");
}

TEST(TargetReach, AHostThatIsARefusedAddressIsToldAtItsPlace) {
  EXPECT_EQ(
      parse("host: 169.254.169.254").errors,
      "x.yaml:2:7: host: host: 169.254.169.254 is a link-local address, which is not connected to; if it is meant, list it in "
      "allowAddresses\n");
  EXPECT_EQ(parse("host: 169.254.169.254\nallowAddresses: [169.254.169.254]").errors, "");
  EXPECT_THAT(parse("host: 10.0.0.1\nallowPrivate: false").errors, HasSubstr("10.0.0.1 is a private address"));
}

TEST(TargetReach, EntriesThatAreNoAddressesAreToldAtTheirPlaces) {
  EXPECT_EQ(parse("host: a.test\nallowAddresses: [10.0.0.0/8, a.test, \"::1/129\"]").errors,
            "x.yaml:3:30: allowAddresses[1]: \"a.test\" is not an IP address or a block of them, such as 169.254.169.254 or "
            "10.1.0.0/16\n"
            "x.yaml:3:38: allowAddresses[2]: \"::1/129\" is not an IP address or a block of them, such as 169.254.169.254 or "
            "10.1.0.0/16\n");
}

TEST(TargetReach, TlsSaysWhatIsTrustedAndShown) {
  Certificate certificate;
  TargetTls tls = parse("host: a.test\ntls:\n  caFile: " + certificate.cert_file() + "\n  certFile: " + certificate.cert_file() +
                        "\n  keyFile: " + certificate.key_file() + "\n  serverName: b.test")
                      .target.tls_settings();
  EXPECT_EQ(tls.files(), (std::vector<std::string>{certificate.cert_file(), certificate.cert_file(), certificate.key_file()}));
  EXPECT_EQ(tls.options().verify, net::TlsClientOptions::Verify::kPeer);
  EXPECT_EQ(tls.server_name, "b.test");
  TargetTls loose = parse("host: a.test\ntls: {skipVerify: true}").target.tls_settings();
  EXPECT_EQ(loose.options().verify, net::TlsClientOptions::Verify::kNothing);
  EXPECT_TRUE(loose.files().empty());
}

TEST(TargetReach, TlsThatCannotBeUsedIsToldAtItsKey) {
  Certificate certificate, other;
  auto errors = [](const std::string& tls) { return parse("host: a.test\ntls:\n" + tls).errors; };
  EXPECT_THAT(errors("  caFile: /not/there"), HasSubstr("x.yaml:4:11: tls.caFile: tls.caFile: /not/there: No such file"));
  EXPECT_THAT(errors("  certFile: " + certificate.cert_file()),
              HasSubstr("tls.certFile: both certFile and keyFile must be specified together for mTLS"));
  EXPECT_THAT(errors("  keyFile: " + certificate.key_file()),
              HasSubstr("tls.keyFile: both certFile and keyFile must be specified together for mTLS"));
  EXPECT_THAT(errors("  certFile: " + certificate.cert_file() + "\n  keyFile: " + other.key_file()),
              HasSubstr("x.yaml:4:13: tls.certFile: "));
  EXPECT_THAT(errors("  skipVerify: true\n  caFile: " + certificate.cert_file()),
              HasSubstr("x.yaml:5:11: tls.caFile: tls.caFile has no effect with `skipVerify: true`"));
  EXPECT_THAT(errors("  serverName: a b"), HasSubstr("x.yaml:4:15: tls.serverName: tls.serverName \"a b\" is not a host name"));
}

}  // namespace
}  // namespace fiso::link

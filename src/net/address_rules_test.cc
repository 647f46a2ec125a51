#include "net/address_rules.h"

#include <gtest/gtest.h>

namespace fiso::net {
namespace {

using Private = AddressRules::Private;

std::vector<AddressBlock> blocks(std::initializer_list<const char*> texts) {
  std::vector<AddressBlock> out;
  for (const char* text : texts) out.push_back(*AddressBlock::parse(text));
  return out;
}

std::string_view refusal(const AddressRules& rules, const char* address) {
  return rules.refusal(boost::asio::ip::make_address(address));
}

const AddressRules kUsual;
const AddressRules kPublicOnly(Private::kRefused, {});

TEST(AddressRules, AddressesOfTheInternetAreAllowed) {
  for (const char* address : {"93.184.216.34",
                              "1.1.1.1",
                              "100.63.255.255",
                              "100.128.0.1",
                              "172.15.0.1",
                              "172.32.0.1",
                              "192.167.0.1",
                              "11.0.0.1",
                              "9.255.255.255",
                              "126.0.0.1",
                              "128.0.0.1",
                              "169.253.0.1",
                              "169.255.0.1",
                              "223.255.255.255",
                              "198.17.0.1",
                              "198.20.0.1",
                              "2606:4700::1111",
                              "2001:db8::1",
                              "::ffff:8.8.8.8",
                              "64:ff9b::808:808",
                              "2002:808:808::1",
                              "::8.8.8.8",
                              "2001:0:4136:e378:8000:63bf:f7f7:f7f7"}) {
    EXPECT_EQ(refusal(kUsual, address), "") << address;
    EXPECT_EQ(refusal(kPublicOnly, address), "") << address;
  }
}

TEST(AddressRules, NeighboursAreAllowedUnlessTheyAreRefused) {
  struct {
    const char *address, *what;
  } const kCases[] = {
      {"127.0.0.1", "a loopback address"},
      {"127.255.255.254", "a loopback address"},
      {"127.64.0.1", "a loopback address"},
      {"127.127.3.4", "a loopback address"},
      {"::1", "a loopback address"},
      {"::ffff:127.0.0.1", "a loopback address"},
      {"::127.0.0.1", "a loopback address"},
      {"::ffff:0:127.0.0.1", "a loopback address"},
      {"64:ff9b::7f00:1", "a loopback address"},
      {"2002:7f00:1::", "a loopback address"},
      {"10.0.0.0", "a private address"},
      {"10.255.255.255", "a private address"},
      {"172.16.0.1", "a private address"},
      {"172.31.255.255", "a private address"},
      {"192.168.1.1", "a private address"},
      {"100.64.0.1", "a private address"},
      {"100.127.255.255", "a private address"},
      {"192.0.0.1", "a private address"},
      {"198.18.0.1", "a private address"},
      {"198.19.255.255", "a private address"},
      {"fc00::1", "a private address"},
      {"fdff:ffff::1", "a private address"},
      {"fec0::1", "a private address"},
      {"64:ff9b:1::808:808", "a private address"},
      {"::ffff:10.0.0.1", "a private address"},
      {"64:ff9b::a00:1", "a private address"},
      {"2002:a00:1::5", "a private address"},
      {"2001:0:4136:e378:8000:63bf:f5ff:fffe", "a private address"},
      {"::ffff:0:192.168.0.1", "a private address"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(refusal(kUsual, one.address), "") << one.address;
    EXPECT_EQ(refusal(kPublicOnly, one.address), one.what) << one.address;
  }
}

TEST(AddressRules, WhatGivesAwayCredentialsOrIsNobodysIsRefusedWhateverElseIsAllowed) {
  struct {
    const char *address, *what;
  } const kCases[] = {
      {"169.254.169.254", "a link-local address"},
      {"169.254.0.1", "a link-local address"},
      {"169.254.170.2", "a link-local address"},
      {"fe80::1", "a link-local address"},
      {"febf::1", "a link-local address"},
      {"::ffff:169.254.169.254", "a link-local address"},
      {"::ffff:a9fe:a9fe", "a link-local address"},
      {"::169.254.169.254", "a link-local address"},
      {"::ffff:0:169.254.169.254", "a link-local address"},
      {"64:ff9b::a9fe:a9fe", "a link-local address"},
      {"64:ff9b:1::a9fe:a9fe", "a link-local address"},
      {"2002:a9fe:a9fe::1", "a link-local address"},
      {"2001:0:4136:e378:8000:63bf:5601:5601", "a link-local address"},
      {"100.100.100.200", "a metadata address"},
      {"::ffff:100.100.100.200", "a metadata address"},
      {"168.63.129.16", "a metadata address"},
      {"192.0.0.192", "a metadata address"},
      {"fd00:ec2::254", "a metadata address"},
      {"fd20:ce::254", "a metadata address"},
      {"fd00:c1::a9fe:a9fe", "a metadata address"},
      {"0.0.0.0", "an unspecified address"},
      {"0.1.2.3", "an unspecified address"},
      {"::", "an unspecified address"},
      {"::ffff:0.0.0.0", "an unspecified address"},
      {"64:ff9b::", "an unspecified address"},
      {"224.0.0.1", "a multicast address"},
      {"239.255.255.255", "a multicast address"},
      {"ff02::1", "a multicast address"},
      {"255.255.255.255", "a broadcast address"},
      {"240.0.0.1", "a reserved address"},
      {"2002:e000:1::1", "a multicast address"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(refusal(kUsual, one.address), one.what) << one.address;
    EXPECT_EQ(refusal(kPublicOnly, one.address), one.what) << one.address;
  }
}

TEST(AddressRules, WhatIsListedIsAllowedHoweverItIsWritten) {
  AddressRules rules(Private::kRefused, blocks({"169.254.169.254", "10.1.0.0/16", "fd00:ec2::254", "::ffff:192.168.7.0/120"}));
  for (const char* address :
       {"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "10.1.2.3", "fd00:ec2::254", "192.168.7.9"})
    EXPECT_EQ(refusal(rules, address), "") << address;
  for (const char* address : {"169.254.169.253", "10.2.0.1", "fd00:ec2::253", "192.168.8.1", "127.0.0.1"})
    EXPECT_NE(refusal(rules, address), "") << address;
}

TEST(AddressBlock, EndsAtItsBits) {
  struct {
    const char *block, *inside, *outside;
  } const kCases[] = {
      {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
      {"172.16.0.0/12", "172.31.0.0", "172.32.0.0"},
      {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
      {"192.0.2.128/25", "192.0.2.200", "192.0.2.127"},
      {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"},
      {"fe80::/10", "febf::", "fec0::"},
      {"::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.0"},
      {"0.0.0.0/0", "8.8.8.8", "2001:db8::1"},
      {"::/0", "2001:db8::1", "8.8.8.8"},
  };
  for (const auto& one : kCases) {
    auto block = AddressBlock::parse(one.block);
    ASSERT_TRUE(block.has_value()) << one.block;
    EXPECT_TRUE(block->contains(boost::asio::ip::make_address(one.inside))) << one.block;
    EXPECT_FALSE(block->contains(boost::asio::ip::make_address(one.outside))) << one.block;
  }
}

TEST(AddressBlock, IsNothingElse) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0/8", "127.1", "0x7f.0.0.1", "2130706433",
        "017700000001", "::/129", "[::1]", "fe80::1%lo", "localhost", "10.0.0.1:80", " 10.0.0.1"})
    EXPECT_FALSE(AddressBlock::parse(text).has_value()) << text;
}

}  // namespace
}  // namespace fiso::net

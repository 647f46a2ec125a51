#include "net/address_rules.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

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

struct Known {
  std::string address, kind;
};

// The table that the rules of guests in native/wasmer-host are held to as well.
std::vector<Known> known_addresses() {
  std::ifstream table(FISO_SOURCE_DIR "/tests/data/addresses.txt");
  std::vector<Known> known;
  for (std::string line; std::getline(table, line);) {
    Known one;
    if (line.starts_with('#') || !(std::istringstream(line) >> one.address >> one.kind)) continue;
    known.push_back(one);
  }
  return known;
}

TEST(AddressRules, EveryKnownAddressIsJudgedAsWhatItIs) {
  std::map<std::string, int> met;
  for (const Known& known : known_addresses()) {
    ++met[known.kind];
    std::string what = (known.kind == "unspecified" ? "an " : "a ") + known.kind + " address";
    bool is_public = known.kind == "internet", is_near = known.kind == "loopback" || known.kind == "private";
    EXPECT_EQ(refusal(kUsual, known.address.c_str()), is_public || is_near ? "" : what) << known.address;
    EXPECT_EQ(refusal(kPublicOnly, known.address.c_str()), is_public ? "" : what) << known.address;
  }
  for (const char* kind :
       {"internet", "loopback", "private", "link-local", "metadata", "unspecified", "multicast", "broadcast", "reserved"})
    EXPECT_GT(met[kind], 0) << kind;
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
  } const cases[] = {
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
  for (const auto& one : cases) {
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

#include "net/address_rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/check.h"

namespace fiso::net {
namespace {

namespace ip = boost::asio::ip;

struct Kind {
  const char* block;
  std::string_view what;
};

// From the registries of special addresses (RFC 6890 and its successors at IANA); metadata addresses from the clouds' manuals.
constexpr Kind kNeverKinds[] = {
    {"0.0.0.0/8", "an unspecified address"},          {"::/128", "an unspecified address"},
    {"169.254.0.0/16", "a link-local address"},       {"fe80::/10", "a link-local address"},
    {"100.100.100.200/32", "a metadata address"},      // Alibaba
    {"168.63.129.16/32", "a metadata address"},        // Azure
    {"192.0.0.192/32", "a metadata address"},          // Oracle
    {"fd00:ec2::254/128", "a metadata address"},       // Amazon
    {"fd20:ce::254/128", "a metadata address"},        // Google
    {"fd00:c1::a9fe:a9fe/128", "a metadata address"},  // Oracle
    {"224.0.0.0/4", "a multicast address"},           {"ff00::/8", "a multicast address"},
    {"255.255.255.255/32", "a broadcast address"},    {"240.0.0.0/4", "a reserved address"},
};

constexpr Kind kPrivateKinds[] = {
    {"127.0.0.0/8", "a loopback address"},  // and with it 127.64.0.0/10, where guests listen
    {"::1/128", "a loopback address"},       {"10.0.0.0/8", "a private address"},     {"172.16.0.0/12", "a private address"},
    {"192.168.0.0/16", "a private address"}, {"100.64.0.0/10", "a private address"},  // of carriers: RFC 6598
    {"192.0.0.0/24", "a private address"},   {"198.18.0.0/15", "a private address"},  {"fc00::/7", "a private address"},
    {"fec0::/10", "a private address"},      {"64:ff9b:1::/48", "a private address"},  // NAT64 of this network: RFC 8215
};

struct KnownBlock {
  AddressBlock block;
  std::string_view what;
};

std::vector<KnownBlock> parsed(std::span<const Kind> kinds) {
  std::vector<KnownBlock> blocks;
  for (const Kind& kind : kinds) {
    std::optional<AddressBlock> block = AddressBlock::parse(kind.block);
    FISO_CHECK(block.has_value(), kind.block);
    blocks.push_back({*block, kind.what});
  }
  return blocks;
}

std::string_view kind_of(const ip::address& address, const std::vector<KnownBlock>& blocks) {
  auto found = std::ranges::find_if(blocks, [&](const KnownBlock& known) { return known.block.contains(address); });
  return found == blocks.end() ? std::string_view() : found->what;
}

// How an IPv6 address carries an IPv4 one.
struct Carrier {
  const char* block;
  size_t at;  // byte of the IPv4 address
  unsigned char flip;
};

constexpr Carrier kCarriers[] = {
    {"::/96", 12, 0},                                 // IPv4-compatible: RFC 4291
    {"::ffff:0:0:0/96", 12, 0},                       // translated: RFC 2765
    {"64:ff9b::/96", 12, 0},                          // NAT64: RFC 6052
    {"64:ff9b:1::/48", 12, 0},  {"2002::/16", 2, 0},  // 6to4: RFC 3056
    {"2001::/32", 12, 0xff},                          // Teredo: RFC 4380
};

ip::address carried(const ip::address& address) {
  ip::address plain = unmapped(address);
  if (plain.is_v4() || plain.is_loopback() || plain.is_unspecified()) return plain;
  ip::address_v6::bytes_type bytes = plain.to_v6().to_bytes();
  for (const Carrier& carrier : kCarriers) {
    if (!AddressBlock::parse(carrier.block)->contains(plain)) continue;
    ip::address_v4::bytes_type inner;
    for (size_t i = 0; i < inner.size(); ++i) inner[i] = bytes[carrier.at + i] ^ carrier.flip;
    return ip::address_v4(inner);
  }
  return plain;
}

}  // namespace

std::string_view AddressRules::refusal(const ip::address& address) const {
  static const std::vector<KnownBlock> never = parsed(kNeverKinds), neighbours = parsed(kPrivateKinds);
  ip::address inner = carried(address);
  auto is_listed = [&](const AddressBlock& block) { return block.contains(address) || block.contains(inner); };
  if (std::ranges::any_of(listed_, is_listed)) return {};
  for (const ip::address& each : {inner, address}) {
    if (std::string_view what = kind_of(each, never); !what.empty()) return what;
    if (neighbours_ == Private::kAllowed) continue;
    if (std::string_view what = kind_of(each, neighbours); !what.empty()) return what;
  }
  return {};
}

}  // namespace fiso::net

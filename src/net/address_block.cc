#include "net/address_block.h"

#include <charconv>
#include <cstdint>
#include <string>

namespace fiso::net {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kMapped = 96;  // bits in front of an IPv4 address that IPv6 carries

template <class Bytes>
bool same_bits(const Bytes& one, const Bytes& other, unsigned bits) {
  size_t whole = bits / 8;
  for (size_t i = 0; i < whole; ++i)
    if (one[i] != other[i]) return false;
  auto mask = static_cast<uint8_t>(0xff00u >> bits % 8);
  return mask == 0 || ((one[whole] ^ other[whole]) & mask) == 0;
}

}  // namespace

ip::address unmapped(const ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  size_t slash = text.find('/');
  boost::system::error_code error;
  ip::address first = ip::make_address(std::string(text.substr(0, slash)), error);
  if (error || text.find('%') != std::string_view::npos) return std::nullopt;
  unsigned most = first.is_v4() ? 32 : 128, bits = most;
  if (slash != std::string_view::npos) {
    std::string_view number = text.substr(slash + 1);
    auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (failed != std::errc() || end != number.data() + number.size() || bits > most) return std::nullopt;
  }
  ip::address inner = unmapped(first);
  if (inner.is_v4() && first.is_v6()) {
    if (bits < kMapped) return AddressBlock(first, bits);  // wider than IPv4 as a whole
    bits -= kMapped;
  }
  return AddressBlock(inner, bits);
}

bool AddressBlock::contains(const ip::address& address) const {
  ip::address asked = unmapped(address);
  if (asked.is_v4() && first_.is_v4()) return same_bits(asked.to_v4().to_bytes(), first_.to_v4().to_bytes(), bits_);
  if (asked.is_v6() && first_.is_v6()) return same_bits(asked.to_v6().to_bytes(), first_.to_v6().to_bytes(), bits_);
  return false;
}

}  // namespace fiso::net

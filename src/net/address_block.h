// A block of addresses, such as 10.0.0.0/8, or a single one.
//
// IPv4 in IPv6's clothes (::ffff:10.0.0.1) is IPv4 here, in blocks as in addresses. Value type.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string_view>

namespace fiso::net {

class AddressBlock {
 public:
  // "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "fe80::1"; nothing where it is none. Without brackets, without scopes.
  static std::optional<AddressBlock> parse(std::string_view text);

  bool contains(const boost::asio::ip::address& address) const;

 private:
  AddressBlock(const boost::asio::ip::address& first, unsigned bits) : first_(first), bits_(bits) {}

  boost::asio::ip::address first_;
  unsigned bits_;  // of it that count
};

// The IPv4 address in an IPv4-mapped one, or the address as it is.
boost::asio::ip::address unmapped(const boost::asio::ip::address& address);

}  // namespace fiso::net

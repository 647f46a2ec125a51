// The addresses of a host name, with the time for which they may be kept: /etc/hosts first, then DNS, for IPv6 and IPv4 alike.
//
// c-ares asks, since getaddrinfo() tells no time to live. Of the system it honours /etc/hosts, /etc/resolv.conf (servers, search
// domains, ndots) and the order that /etc/nsswitch.conf has for these two; other sources named there are not asked.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace fiso::net {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

struct FoundAddresses {
  Addresses addresses;       // at least one, at most 16: the families take turns, in the order of RFC 6724
  Duration time_to_live{0};  // the shortest of all records; zero where there is none, as for /etc/hosts
};

inline constexpr std::string_view kUnresolved = "name resolution failed";  // what the error of a lookup says

// Blocks, for at most 5 seconds. `servers` are asked in place of the system's: "192.0.2.53", "192.0.2.53:5353",
// "[2001:db8::53]:53". The error is kUnavailable; its context says what DNS said.
Result<FoundAddresses> look_up_name(const std::string& host, uint16_t port, const std::vector<std::string>& servers);

// Whether look_up_name() can use it.
bool is_name_server(std::string_view text);

}  // namespace fiso::net

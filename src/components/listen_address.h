// Addresses to listen on, by their form: whether there is such a host, and the port is free, shows when one is opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fiso {

// A host name, an IPv4 address or an IPv6 address in brackets; empty is every address.
bool is_listen_host(std::string_view host);

// An IPv4 address, or an IPv6 address with or without brackets, as it stands in front of `:PORT`. Nothing for anything else: a
// name would have to be looked up, again for each port, and could lead elsewhere the next time.
std::optional<std::string> find_listen_ip(std::string_view text);

// `HOST:PORT` or `:PORT`.
bool is_listen_address(std::string_view address);

}  // namespace fiso

// Addresses to listen on, by their form: whether there is such a host, and the port is free, shows when one is opened.
#pragma once

#include <string>
#include <string_view>

namespace fiso {

// A host name, an IPv4 address or an IPv6 address in brackets; empty is every address.
bool is_listen_host(std::string_view host);

// `HOST:PORT` or `:PORT`.
bool is_listen_address(std::string_view address);

}  // namespace fiso

// Opens a listening TCP socket for an address as configuration writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fiso::net {

struct ListenSocket {
  int fd;  // listening, non-blocking; the caller closes it
  uint16_t port;
};

// ":8081" listens on all IPv4 and IPv6 addresses, "[::1]:0" on a free port of one, "localhost:80" on what the name
// means first. May block when the host is a name. Errors: kInvalidConfig for a text that is no address, else kUnavailable,
// both as "listen ADDRESS: why".
Result<ListenSocket> open_listen_socket(std::string_view address);

}  // namespace fiso::net

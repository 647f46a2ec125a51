// A listening socket for a guest that cannot open its own.
#pragma once

#include <string>

#include "base/result.h"
#include "wasm/wasi/host_file.h"

namespace fiso::wasm::light {

struct GuestListener {
  wasi::HostFileRef socket;  // non-blocking
  std::string address;       // ADDRESS:PORT, where it really listens
};

// `address` is an IPv4 address and a port, 0 for a free one: "127.64.0.1:0".
Result<GuestListener> open_guest_listener(const std::string& address);

}  // namespace fiso::wasm::light

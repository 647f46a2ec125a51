// Where a guest may connect to and listen: `network` of its configuration, and what the process adds to it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fiso::wasm {

enum class NetworkMode { kOpen, kAllowList, kNone };

struct NetworkRules {
  struct Listen {
    uint16_t guest_port = 0;  // as the guest calls it
    std::string host;         // ADDRESS:PORT, where it really listens
  };
  NetworkMode mode = NetworkMode::kOpen;
  bool dns = true;
  std::vector<std::string> allow;       // HOST:PORT, ADDRESS:PORT, BLOCK/BITS:PORT; * is any port
  std::vector<uint16_t> refused_ports;  // of this process, on every local address
  std::vector<Listen> listen;
  uint32_t sockets = 64;  // that a guest may open itself; those it accepts are not counted
};

}  // namespace fiso::wasm

// What the process adds to the network rules of all its guests: the policy of those that have none of their own, and its control
// ports, which no guest reaches on any local address.
//
// Whoever opens a control port (admin pages, and whatever else steers the process) refuses it here, before guests are made.
// Control thread until then, immutable afterwards.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "components/guest_network.h"
#include "observe/log.h"

namespace fiso {

class ProcessNetwork {
 public:
  explicit ProcessNetwork(GuestNetwork fallback = {}) : fallback_(std::move(fallback)) {}

  // The port that it is really bound to.
  void refuse_port(uint16_t port) { refused_ports_.push_back(port); }

  // Of a guest with this `network`, or none.
  wasm::NetworkRules rules_of(const std::optional<GuestNetwork>& own) const;
  // What is wrong with the `network.dns` of a guest under the policy of all: what follows the key in a sentence, or nothing.
  std::optional<std::string> bad_dns(const std::optional<GuestNetwork>& own) const;

 private:
  GuestNetwork fallback_;
  std::vector<uint16_t> refused_ports_;
};

// One line: the policy in force for the guest that `log` names.
void log_network_policy(const observe::Log& log, const wasm::NetworkRules& rules);

}  // namespace fiso

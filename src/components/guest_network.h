// `network` of a guest's configuration: where it may connect to. Engines without sockets have no use for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/spec.h"
#include "wasm/network_rules.h"

namespace fiso {

struct GuestNetwork {
  enum class Mode { kUnset, kOpen, kAllowList, kNone };
  Mode mode = Mode::kUnset;
  std::vector<std::string> allow;
  std::optional<bool> dns;

  // Unset, a list makes it an allow list, and no list makes it open. Without a network there are no look-ups either.
  wasm::NetworkRules rules() const;
};

config::Spec<GuestNetwork> guest_network_spec();

// What is wrong with an entry of `allow`, or nothing.
std::optional<std::string> bad_allow_entry(std::string_view entry);

}  // namespace fiso

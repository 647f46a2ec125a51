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
  int64_t sockets = 0;          // 0: unset
  std::vector<int64_t> listen;  // ports besides its PORT

  // Unset, a list makes it an allow list, and no list makes it open. Without a network there are no look-ups either.
  wasm::NetworkRules rules() const;
  // This, where it says something, else the other: `mode` and `allow` together, `dns` and `sockets` each on its own.
  GuestNetwork or_else(const GuestNetwork& other) const;
  bool operator==(const GuestNetwork&) const = default;
};

// `listen` is a key of guests that live on only.
enum class GuestListens { kNo, kYes };
config::Spec<GuestNetwork> guest_network_spec(GuestListens listens = GuestListens::kNo);

// What is wrong with an entry of `allow`, or nothing.
std::optional<std::string> bad_allow_entry(std::string_view entry);

}  // namespace fiso

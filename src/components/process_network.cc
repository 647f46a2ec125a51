#include "components/process_network.h"

#include <string>

namespace fiso {
namespace {

std::string_view word_of(wasm::NetworkMode mode) {
  switch (mode) {
    case wasm::NetworkMode::kOpen: return "open";
    case wasm::NetworkMode::kAllowList: return "allowlist";
    case wasm::NetworkMode::kNone: break;
  }
  return "none";
}

void append(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

}  // namespace

wasm::NetworkRules ProcessNetwork::rules_of(const std::optional<GuestNetwork>& own) const {
  wasm::NetworkRules rules = own.value_or(GuestNetwork()).or_else(fallback_).rules();
  rules.refused_ports = refused_ports_;
  return rules;
}

std::optional<std::string> ProcessNetwork::bad_dns(const std::optional<GuestNetwork>& own) const {
  bool asked = own.has_value() && own->dns.value_or(false);
  if (!asked || own->or_else(fallback_).mode != GuestNetwork::Mode::kNone) return std::nullopt;
  return "cannot be true: `mode: none` holds for all guests that set neither `mode` nor `allow`";
}

void log_network_policy(const observe::Log& log, const wasm::NetworkRules& rules) {
  std::string allow, listen, refused;
  for (const std::string& entry : rules.allow) append(allow, entry);
  for (const wasm::NetworkRules::Listen& port : rules.listen) append(listen, std::to_string(port.guest_port));
  for (uint16_t port : rules.refused_ports) append(refused, std::to_string(port));
  log.info("network policy of guest",
           {{"mode", word_of(rules.mode)}, {"allow", allow}, {"dns", rules.dns}, {"listen", listen}, {"refused_ports", refused}});
}

}  // namespace fiso

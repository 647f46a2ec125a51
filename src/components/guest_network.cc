#include "components/guest_network.h"

#include <algorithm>
#include <charconv>

#include "net/address_block.h"

namespace fiso {
namespace {

constexpr size_t kMostPorts = 16;      // to listen on
constexpr int64_t kMostSockets = 240;  // there are 256 descriptors, and other uses for them

bool is_number(std::string_view text, unsigned most) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value <= most;
}

bool is_host_name(std::string_view text) {
  constexpr std::string_view kMarks = "-._";
  bool good = !text.empty() && text.size() <= 253 && text.front() != '-';
  for (char c : text) good = good && (isalnum(static_cast<unsigned char>(c)) != 0 || kMarks.find(c) != std::string_view::npos);
  return good;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[') && host.find(']') != std::string_view::npos) {
    std::string block(host.substr(1, host.find(']') - 1));
    bool v6 = block.find(':') != std::string::npos && block.find('/') == std::string::npos;
    block += host.substr(host.find(']') + 1);
    return v6 && net::AddressBlock::parse(block).has_value();
  }
  if (host.find('/') == std::string_view::npos) return is_host_name(host);
  return host.find(':') == std::string_view::npos && net::AddressBlock::parse(host).has_value();
}

void check_allow(const GuestNetwork& network, config::Report& report) {
  for (size_t i = 0; i < network.allow.size(); ++i)
    if (auto complaint = bad_allow_entry(network.allow[i])) report.item_error("allow", i, *complaint);
}

void check_ports(const GuestNetwork& network, config::Report& report) {
  const std::vector<int64_t>& ports = network.listen;
  for (size_t i = 0; i < ports.size(); ++i) {
    std::string port = std::to_string(ports[i]);
    if (ports[i] < 1 || ports[i] > 65535) report.item_error("listen", i, port + " is no port: 1 to 65535");
    bool again = std::find(ports.begin(), ports.begin() + static_cast<std::ptrdiff_t>(i), ports[i]) - ports.begin() <
                 static_cast<std::ptrdiff_t>(i);
    if (again) report.item_error("listen", i, "port " + port + " is there twice");
  }
  if (ports.size() > kMostPorts) report.error("listen", "more than " + std::to_string(kMostPorts) + " ports");
}

}  // namespace

std::optional<std::string> bad_allow_entry(std::string_view entry) {
  size_t colon = entry.rfind(':');
  bool good = colon != std::string_view::npos && is_host(entry.substr(0, colon));
  std::string_view port = good ? entry.substr(colon + 1) : "";
  if (good && (port == "*" || (is_number(port, 65535) && port != "0"))) return std::nullopt;
  return "\"" + std::string(entry) + "\" is not HOST:PORT, such as db.internal:5432, 10.0.0.0/8:*, [2001:db8::]/32:443";
}

wasm::NetworkRules GuestNetwork::rules() const {
  wasm::NetworkRules rules{.allow = allow};
  switch (mode) {
    case Mode::kUnset: rules.mode = allow.empty() ? wasm::NetworkMode::kOpen : wasm::NetworkMode::kAllowList; break;
    case Mode::kOpen: rules.mode = wasm::NetworkMode::kOpen; break;
    case Mode::kAllowList: rules.mode = wasm::NetworkMode::kAllowList; break;
    case Mode::kNone: rules.mode = wasm::NetworkMode::kNone; break;
  }
  if (sockets != 0) rules.sockets = static_cast<uint32_t>(sockets);
  rules.dns = rules.mode != wasm::NetworkMode::kNone && dns.value_or(true);
  return rules;
}

GuestNetwork GuestNetwork::or_else(const GuestNetwork& other) const {
  GuestNetwork both = *this;
  if (mode == Mode::kUnset && allow.empty()) {
    both.mode = other.mode;
    both.allow = other.allow;
  }
  if (!dns.has_value()) both.dns = other.dns;
  if (sockets == 0) both.sockets = other.sockets;
  return both;
}

config::Spec<GuestNetwork> guest_network_spec(GuestListens listens) {
  using Mode = GuestNetwork::Mode;
  config::Spec<GuestNetwork> spec("network",
                                  "Where a guest may connect to. Never Fiso itself; link-local and metadata "
                                  "addresses only if listed.");
  spec.choice("mode", &GuestNetwork::mode, "`open`, or `allowlist` where there is a list, unless set.",
              {{"open", Mode::kOpen}, {"allowlist", Mode::kAllowList}, {"none", Mode::kNone}})
      .field("allow", &GuestNetwork::allow,
             "HOST:PORT, where HOST is a name, an address or a block (10.0.0.0/8) and PORT may be *.")
      .field("dns", &GuestNetwork::dns, "Whether it may look up names; not with `mode: none`.")
      .field("sockets", &GuestNetwork::sockets, "Sockets that one instance may have open besides those it accepted; 0 is 64.",
             config::between<int64_t>(0, kMostSockets))
      .check({"allow"}, check_allow)
      .check([](const GuestNetwork& network, config::Report& report) {
        if (network.mode == Mode::kNone && !network.allow.empty())
          report.error("allow", "{path} has no effect with `mode: none`");
        if (network.mode == Mode::kNone && network.dns.value_or(false))
          report.error("dns", "{path} cannot be true with `mode: none`");
        if (network.mode == Mode::kAllowList && network.allow.empty()) report.error("mode", "allowlist needs `allow`");
      });
  if (listens == GuestListens::kYes)
    spec.field("listen", &GuestNetwork::listen,
               "`execution: longRunning`: ports that it serves besides its PORT, reached at the app's address as bytes.")
        .check({"listen"}, check_ports);
  return spec;
}

}  // namespace fiso

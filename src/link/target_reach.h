// How a target is reached: its host, the addresses that may be connected to, and TLS.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/spec.h"
#include "net/address_rules.h"
#include "net/tls.h"

namespace fiso::link {

struct TargetTls {
  std::string ca_file;
  std::string cert_file;  // with key_file: what we show of ourselves
  std::string key_file;
  bool skip_verify = false;
  std::string server_name;  // empty: the host

  net::TlsClientOptions options() const;
  // Those that are read again when they change.
  std::vector<std::string> files() const;
};

// Its checks open the files.
config::Spec<TargetTls> target_tls_spec();

// What is wrong with a host, or nothing.
std::optional<std::string> bad_host(const std::string& host);
// Without the brackets of an IPv6 address.
std::string bare_host(const std::string& host);

// Of entries that were checked.
net::AddressRules address_rules(bool allow_private, const std::vector<std::string>& allow_addresses);
void check_addresses(const std::vector<std::string>& allow_addresses, config::Report& report);
// A host that is an address need not be looked up to know that it is refused.
void check_host_is_allowed(const std::string& host, const net::AddressRules& rules, config::Report& report);

}  // namespace fiso::link

#include "link/target_reach.h"

#include <utility>

#include "net/uri.h"

namespace fiso::link {
namespace {

using config::Report;
using config::Spec;

// 127.1, 0x7f.0.0.1, 2130706433: some read an address there, others a name. Nobody is to find out who reads what.
bool may_be_read_as_an_address(std::string_view host) {
  std::string_view last = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  last = last.substr(last.rfind('.') + 1);
  bool number = !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
  return (number || last.starts_with("0x") || last.starts_with("0X")) && !net::AddressBlock::parse(host).has_value();
}

std::optional<std::string> bad_server_name(const std::string& name) {
  auto uri = net::parse_uri("https://" + name + "/");
  if (uri.has_value() && uri->target == "/" && uri->host.size() == name.size()) return std::nullopt;
  return "{path} \"{value}\" is not a host name";
}

void check_tls(const TargetTls& tls, Report& report) {
  if (tls.cert_file.empty() != tls.key_file.empty())
    return report.error(tls.cert_file.empty() ? "keyFile" : "certFile",
                        "{path}: both certFile and keyFile must be specified together for mTLS");
  if (tls.skip_verify && !tls.ca_file.empty()) report.error("caFile", "{path} has no effect with `skipVerify: true`");
  auto complain = [&](std::string_view key, const net::TlsClientOptions& options) {
    if (auto context = net::make_tls_client_context(options); !context.has_value())
      report.error(key, "{path}: " + context.error().describe());
  };
  if (!tls.ca_file.empty()) complain("caFile", {.ca_file = tls.ca_file});
  if (!tls.cert_file.empty()) complain("certFile", {.cert_file = tls.cert_file, .key_file = tls.key_file});
}

}  // namespace

net::TlsClientOptions TargetTls::options() const {
  using Verify = net::TlsClientOptions::Verify;
  return {
      .ca_file = ca_file, .cert_file = cert_file, .key_file = key_file, .verify = skip_verify ? Verify::kNothing : Verify::kPeer};
}

std::vector<std::string> TargetTls::files() const {
  std::vector<std::string> all;
  for (const std::string& file : {ca_file, cert_file, key_file})
    if (!file.empty()) all.push_back(file);
  return all;
}

Spec<TargetTls> target_tls_spec() {
  return Spec<TargetTls>("tls", "How an https target is verified, and what it is shown. Files are read again when they change.")
      .field("caFile", &TargetTls::ca_file, "Certificates to trust, PEM; without it those of the system.")
      .field("certFile", &TargetTls::cert_file, "Certificate to show to the target, and its chain, PEM.")
      .field("keyFile", &TargetTls::key_file, "Private key of certFile, PEM, without a passphrase.")
      .field("skipVerify", &TargetTls::skip_verify,
             "Whoever answers is taken for the target, and gets its requests and credentials. For tests only.")
      .field("serverName", &TargetTls::server_name, "Name to ask for and to verify, in place of the host.",
             {.check = bad_server_name})
      .check(check_tls);
}

std::string bare_host(const std::string& host) { return host.starts_with('[') ? host.substr(1, host.size() - 2) : host; }

net::AddressRules address_rules(bool allow_private, const std::vector<std::string>& allow_addresses) {
  using Private = net::AddressRules::Private;
  std::vector<net::AddressBlock> listed;
  for (const std::string& entry : allow_addresses)
    if (auto block = net::AddressBlock::parse(entry)) listed.push_back(*block);
  return {allow_private ? Private::kAllowed : Private::kRefused, std::move(listed)};
}

std::optional<std::string> bad_host(const std::string& host) {
  bool bare_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  auto uri = net::parse_uri("http://" + (bare_v6 ? "[" + host + "]" : host) + "/");
  bool only_host = uri.has_value() && uri->target == "/" && host.find_first_of("/?#@") == std::string::npos;
  if (only_host && !host.ends_with(']') && host.rfind(':') != std::string::npos && !bare_v6) only_host = false;
  if (only_host && !may_be_read_as_an_address(bare_v6 || host.starts_with('[') ? "v6" : host)) return std::nullopt;
  return "{path} \"{value}\" is not a host name or an IP address (a port has a key of its own)";
}

void check_addresses(const std::vector<std::string>& allow_addresses, Report& report) {
  for (size_t i = 0; i < allow_addresses.size(); ++i)
    if (!net::AddressBlock::parse(allow_addresses[i]).has_value())
      report.item_error(
          "allowAddresses", i,
          config::quote(allow_addresses[i]) + " is not an IP address or a block of them, such as 169.254.169.254 or 10.1.0.0/16");
}

void check_host_is_allowed(const std::string& host, const net::AddressRules& rules, Report& report) {
  boost::system::error_code is_name;
  auto address = boost::asio::ip::make_address(bare_host(host), is_name);
  if (is_name) return;
  if (std::string_view what = rules.refusal(address); !what.empty())
    report.error("host", "{path}: " + host + " is " + std::string(what) +
                             ", which is not connected to; if it is meant, list it in allowAddresses");
}

}  // namespace fiso::link

#include "net/uri.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace fiso::net {
namespace {

Error bad(std::string_view what) { return {ErrorCode::kInvalidInput, "invalid URL: " + std::string(what)}; }

constexpr uint16_t default_port(Scheme scheme) { return scheme == Scheme::kHttp ? 80 : 443; }

bool is_ipv6(const std::string& host) {
  in6_addr address;
  bool is_text = host.find('\0') == std::string::npos;  // which inet_pton() would take for its end
  return is_text && inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Result<Scheme> take_scheme(std::string_view& text) {
  size_t colon = text.find("://");
  if (colon == std::string_view::npos) return bad("expected http://HOST or https://HOST");
  std::string_view name = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  if (iequals(name, "http")) return Scheme::kHttp;
  if (iequals(name, "https")) return Scheme::kHttps;
  return bad("the scheme must be http or https");
}

Result<std::string> take_host(std::string_view& authority) {
  if (authority.starts_with('[')) {
    size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad("'[' without ']'");
    std::string host(authority.substr(1, end - 1));
    authority.remove_prefix(end + 1);
    if (!is_ipv6(host)) return bad("not an IPv6 address between the brackets");
    return host;
  }
  size_t end = std::min(authority.find(':'), authority.size());
  std::string host = to_lower(authority.substr(0, end));
  authority.remove_prefix(end);
  if (host.empty()) return bad("the host is empty");
  if (host.size() > 253) return bad("the host is too long");
  if (!std::ranges::all_of(host, is_name_char)) return bad("the host has a character that no host name has");
  return host;
}

// `rest` is what follows the host in the authority: nothing, or ":PORT".
Result<uint16_t> parse_port(std::string_view rest, Scheme scheme) {
  if (rest.empty()) return default_port(scheme);
  if (rest.front() != ':') return bad("unexpected text after the host");
  rest.remove_prefix(1);
  unsigned port = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (error != std::errc() || end != rest.data() + rest.size() || port == 0 || port > 65535)
    return bad("the port must be a number from 1 to 65535");
  return static_cast<uint16_t>(port);
}

Result<std::string> parse_target(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '#') return bad("it has a fragment");
    if (c <= ' ' || c >= 0x7f) return bad("spaces and control or non-ASCII characters must be percent-encoded");
    if (c == '%' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])))
      return bad("'%' without two hex digits");
  }
  if (text.empty()) return std::string("/");
  return text.front() == '?' ? "/" + std::string(text) : std::string(text);
}

}  // namespace

Result<Uri> parse_uri(std::string_view text) {
  Uri uri;
  FISO_TRY(uri.scheme, take_scheme(text));
  size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  if (authority.find('@') != std::string_view::npos) return bad("user information is not allowed in it");
  FISO_TRY(uri.host, take_host(authority));
  FISO_TRY(uri.port, parse_port(authority, uri.scheme));
  FISO_TRY(uri.target, parse_target(text.substr(end)));
  return uri;
}

std::string Uri::authority() const {
  std::string text = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

}  // namespace fiso::net

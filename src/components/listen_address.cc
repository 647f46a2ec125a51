#include "components/listen_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace fiso {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035, section 2.3.4, without the dot at the end
constexpr char kDigits[] = "0123456789";
constexpr char kNameCharacters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._";

// A scope such as %eth0 belongs to the machine: whether there is one shows when it is opened.
bool is_ipv6(std::string_view text) {
  size_t percent = std::min(text.find('%'), text.size());
  in6_addr address;
  bool scoped_well = percent == text.size() || percent + 1 < text.size();
  return scoped_well && inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &address) == 1;
}

}  // namespace

bool is_listen_host(std::string_view host) {
  if (host.empty()) return true;
  if (host.starts_with('[') && host.ends_with(']')) return is_ipv6(host.substr(1, host.size() - 2));
  if (host.find_first_not_of(std::string(kDigits) + ".") == std::string_view::npos) {
    in_addr address;
    return inet_aton(std::string(host).c_str(), &address) == 1;  // what getaddrinfo takes for one: 127.1 too
  }
  return host.size() <= kLongestName && host.front() != '-' && host.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

std::optional<std::string> find_listen_ip(std::string_view text) {
  bool in_brackets = text.size() > 2 && text.starts_with('[') && text.ends_with(']');
  if (is_ipv6(in_brackets ? text.substr(1, text.size() - 2) : text))
    return in_brackets ? std::string(text) : "[" + std::string(text) + "]";
  in_addr address;
  if (inet_pton(AF_INET, std::string(text).c_str(), &address) == 1) return std::string(text);
  return std::nullopt;
}

bool is_listen_address(std::string_view address) {
  size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view port = address.substr(colon + 1);
  unsigned number = 0;
  auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  return failed == std::errc() && end == port.data() + port.size() && number <= 65535 && is_listen_host(address.substr(0, colon));
}

}  // namespace fiso

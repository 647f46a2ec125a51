#include "link/browser_rules.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string_view>

#include "base/ascii.h"

namespace fiso::link {
namespace {

// Without its port, and without the brackets of an IPv6 address.
std::string_view name_of(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

std::string_view host_of(std::string_view origin) {
  size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : name_of(origin.substr(scheme + 3));
}

bool is_address(std::string_view name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(name), error);
  return !error;
}

bool is_localhost(std::string_view name) {
  constexpr std::string_view kLocal = "localhost";
  if (name.size() < kLocal.size() || !iequals(name.substr(name.size() - kLocal.size()), kLocal)) return false;
  return name.size() == kLocal.size() || name[name.size() - kLocal.size() - 1] == '.';
}

bool is_of_browser(const HeaderList& headers) {
  if (headers.find("user-agent").value_or("").starts_with("Mozilla/")) return true;
  for (std::string_view field : {"origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"})
    if (headers.contains(field)) return true;
  return false;
}

}  // namespace

PageVerdict judge_page(const HeaderList& headers, const std::vector<std::string>& allow_origins) {
  if (!is_of_browser(headers)) return PageVerdict::kFine;
  std::optional<std::string_view> origin = headers.find("origin"), site = headers.find("sec-fetch-site");
  if (origin && std::ranges::find(allow_origins, *origin) != allow_origins.end()) return PageVerdict::kFine;
  std::string_view host = headers.find("host").value_or("");
  bool same_origin = origin && origin->size() > host.size() && origin->ends_with(host) &&
                     origin->substr(0, origin->size() - host.size()).ends_with("://");
  bool same_site = !site || *site == "same-origin" || *site == "none";
  if (!same_site || (origin && !same_origin)) return PageVerdict::kOtherSite;
  std::string_view name = name_of(host);
  bool is_listed = std::ranges::any_of(allow_origins, [&](const std::string& listed) { return iequals(host_of(listed), name); });
  return is_listed || is_localhost(name) || is_address(name) ? PageVerdict::kFine : PageVerdict::kOtherHost;
}

}  // namespace fiso::link

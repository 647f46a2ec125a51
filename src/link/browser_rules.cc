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

namespace {

std::vector<std::string_view> all_of(const HeaderList& headers, std::string_view name) {
  std::vector<std::string_view> values;
  for (HeaderList::Field field : headers)
    if (iequals(field.name, name)) values.push_back(field.value);
  return values;
}

bool is_origin_of(std::string_view host, std::string_view origin) {
  for (std::string_view scheme : {"http://", "https://"})
    if (!host.empty() && origin.starts_with(scheme) && origin.substr(scheme.size()) == host) return true;
  return false;
}

// Scheme and authority of a URL.
std::string_view origin_of(std::string_view url) {
  size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

}  // namespace

// A request has one Origin at most; one with several is no browser's, and some servers would believe another than we.
PageVerdict judge_page(const HeaderList& headers, const std::vector<std::string>& allow_origins) {
  if (!is_of_browser(headers)) return PageVerdict::kFine;
  std::vector<std::string_view> origins = all_of(headers, "origin"), sites = all_of(headers, "sec-fetch-site");
  auto is_listed_origin = [&](std::string_view origin) {
    return std::ranges::find(allow_origins, origin) != allow_origins.end();
  };
  if (origins.size() > 1) return PageVerdict::kOtherSite;
  if (!origins.empty() && is_listed_origin(origins[0])) return PageVerdict::kFine;
  std::string_view host = headers.find("host").value_or("");
  if (!origins.empty() && !is_origin_of(host, origins[0])) return PageVerdict::kOtherSite;
  for (std::string_view site : sites)
    if (site != "same-origin" && site != "none") return PageVerdict::kOtherSite;
  // Browsers that say no more tell at least where a link, an image or a form that asks by GET stands.
  if (origins.empty() && sites.empty())
    for (std::string_view referer : all_of(headers, "referer"))
      if (!is_origin_of(host, origin_of(referer)) && !is_listed_origin(origin_of(referer))) return PageVerdict::kOtherSite;
  std::string_view name = name_of(host);
  bool is_listed = std::ranges::any_of(allow_origins, [&](const std::string& listed) { return iequals(host_of(listed), name); });
  return is_listed || is_localhost(name) || is_address(name) ? PageVerdict::kFine : PageVerdict::kOtherHost;
}

}  // namespace fiso::link

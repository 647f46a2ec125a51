#include "components/header_rules.h"

#include <algorithm>

#include "base/ascii.h"
#include "net/wire.h"

namespace fiso {
namespace {

constexpr std::string_view kHopByHop[] = {"connection",
                                          "keep-alive",
                                          "proxy-authenticate",
                                          "proxy-authorization",
                                          "proxy-connection",
                                          "te",
                                          "trailer",
                                          "transfer-encoding",
                                          "upgrade",
                                          "host",
                                          "expect",
                                          "http2-settings"};

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

}  // namespace

bool is_header_name(std::string_view name) { return name.size() <= 256 && net::is_field_name(name); }

bool is_header_value(std::string_view value) {
  return value.size() <= 8192 && trim(value).size() == value.size() && net::is_field_value(value);
}

bool is_reserved_header(std::string_view name) {
  if (has_prefix(name, "content-") || has_prefix(name, "fiso-")) return true;
  return std::ranges::any_of(kHopByHop, [&](std::string_view reserved) { return iequals(name, reserved); });
}

}  // namespace fiso

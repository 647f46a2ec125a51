#include "components/header_rules.h"

#include <algorithm>

#include "base/ascii.h"

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

bool is_token_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kOthers.find(c) != std::string_view::npos;
}

}  // namespace

bool is_header_name(std::string_view name) {
  return !name.empty() && name.size() <= 256 && std::ranges::all_of(name, is_token_char);
}

bool is_header_value(std::string_view value) {
  if (value.size() > 8192 || trim(value).size() != value.size()) return false;
  return std::ranges::all_of(value, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

bool is_reserved_header(std::string_view name) {
  if (has_prefix(name, "content-") || has_prefix(name, "fiso-")) return true;
  return std::ranges::any_of(kHopByHop, [&](std::string_view reserved) { return iequals(name, reserved); });
}

}  // namespace fiso

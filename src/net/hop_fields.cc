#include "net/hop_fields.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/ascii.h"

namespace fiso::net {
namespace {

// `f` is given each element of a comma-separated value.
template <class F>
void for_each_token(std::string_view list, F f) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (std::string_view token = trim(list.substr(0, comma)); !token.empty()) f(token);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

// What Connection may name and what must stay all the same: without it the message would mean another thing.
bool is_essential(std::string_view name) {
  return iequals(name, "host") || iequals(name, "date") || iequals(name, "content-length") || iequals(name, "authorization") ||
         iequals(name, "cookie");
}

}  // namespace

bool is_hop_field(std::string_view name) {
  switch (name.size()) {
    case 2: return iequals(name, "te");
    case 6: return iequals(name, "expect");
    case 7: return iequals(name, "upgrade") || iequals(name, "trailer");
    case 10: return iequals(name, "connection") || iequals(name, "keep-alive");
    case 14: return iequals(name, "http2-settings");
    case 16: return iequals(name, "proxy-connection");
    case 17: return iequals(name, "transfer-encoding");
    case 18: return iequals(name, "proxy-authenticate");
    case 19: return iequals(name, "proxy-authorization");
    case 25: return iequals(name, "proxy-authentication-info");
    default: return false;
  }
}

bool is_trailer_field(std::string_view name) {
  constexpr std::string_view kRefused[] = {"host",          "content-length", "content-encoding", "content-type",
                                           "content-range", "authorization",  "cookie",           "set-cookie",
                                           "cache-control", "max-forwards",   "x-forwarded-for",  "x-forwarded-host"};
  if (is_hop_field(name)) return false;
  return std::ranges::none_of(kRefused, [&](std::string_view refused) { return iequals(name, refused); });
}

bool has_token(std::string_view list, std::string_view token) {
  bool found = false;
  for_each_token(list, [&](std::string_view each) { found = found || iequals(each, token); });
  return found;
}

bool takes_trailers(const HeaderList& headers) {
  std::optional<std::string_view> te = headers.find("te");
  return te && has_token(*te, "trailers");
}

bool is_named_hop_field(const HeaderList& headers, std::string_view name) {
  if (is_essential(name)) return false;
  for (HeaderList::Field field : headers)
    if (iequals(field.name, "connection") && has_token(field.value, name)) return true;
  return false;
}

void strip_named_hop_fields(HeaderList& headers) {
  std::vector<std::string> named;  // names are copied: removing one moves the rest
  for (HeaderList::Field field : headers) {
    if (!iequals(field.name, "connection")) continue;
    for_each_token(field.value, [&](std::string_view token) {
      if (iequals(token, "close") || is_hop_field(token) || is_essential(token)) return;
      named.emplace_back(token);
    });
  }
  for (const std::string& name : named) headers.remove(name);
}

}  // namespace fiso::net

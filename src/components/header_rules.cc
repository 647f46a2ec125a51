#include "components/header_rules.h"

#include "base/ascii.h"
#include "net/hop_fields.h"
#include "net/wire.h"

namespace fiso {
namespace {

bool has_prefix(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

}  // namespace

bool is_header_name(std::string_view name) { return name.size() <= 256 && net::is_field_name(name); }

bool is_header_value(std::string_view value) {
  return value.size() <= 8192 && trim(value).size() == value.size() && net::is_field_value(value);
}

std::string canonical_header_name(std::string_view name) {
  std::string text(name);
  bool first = true;
  for (char& c : text) {
    c = first ? ascii_upper(c) : ascii_lower(c);
    first = c == '-';
  }
  return text;
}

bool is_reserved_header(std::string_view name) {
  return has_prefix(name, "content-") || has_prefix(name, "fiso-") || iequals(name, "host") || net::is_hop_field(name);
}

bool is_reserved_in_calls(std::string_view name) {
  return iequals(name, "content-length") || (is_reserved_header(name) && !has_prefix(name, "content-"));
}

}  // namespace fiso

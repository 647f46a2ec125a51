#include "core/attribute_formats.h"

#include <algorithm>
#include <chrono>

#include "base/ascii.h"
#include "json/text.h"

namespace fiso::core {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// unreserved and sub-delims (RFC 3986, sections 2.2 and 2.3).
bool is_plain(char c) {
  constexpr std::string_view kMarks = "-._~!$&'()*+,;=";
  return is_letter(c) || is_digit(c) || kMarks.find(c) != std::string_view::npos;
}

void append_encoded(std::string& out, char c) {
  constexpr char kHex[] = "0123456789ABCDEF";
  auto byte = static_cast<unsigned char>(c);
  out += {'%', kHex[byte >> 4], kHex[byte & 15]};
}

bool is_scheme(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

// [userinfo@]host[:port]; the host may be empty, as in file:///x.
bool is_authority(std::string_view text) {
  text.remove_prefix(text.rfind('@') == std::string_view::npos ? 0 : text.rfind('@') + 1);
  bool bracketed = text.starts_with('[');
  size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos) return false;
  std::string_view host = text.substr(0, end), rest = text.substr(bracketed ? end + 1 : end);
  if (bracketed) host.remove_prefix(1);
  bool good_host = std::ranges::all_of(
      host, [&](char c) { return bracketed ? is_hex(c) || c == ':' || c == '.' : is_plain(c) || c == '%' || (c & 0x80) != 0; });
  bool good_port = rest.empty() || (rest.front() == ':' && std::ranges::all_of(rest.substr(1), is_digit));
  return good_host && good_port && !(bracketed && host.empty());
}

bool is_well_formed(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_control(text[i])) return false;
    bool escape = i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2]);
    if (text[i] == '%' && !escape) return false;
  }
  return true;
}

int hex_value(char c) { return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10; }

// CloudEvents 1.0, section 3.1: U+0000 to U+001F and U+007F to U+009F are in no attribute.
bool may_be_in_attribute(std::string_view bytes) {
  if (!json::is_utf8(bytes)) return false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    if (byte == 0xc2 && static_cast<unsigned char>(bytes[i + 1]) < 0xa0) return false;
  }
  return true;
}

// What escapes, one after the other, begin `text`, as bytes.
std::string leading_escapes(std::string_view text) {
  std::string bytes;
  for (; text.size() >= 3 && text[0] == '%' && is_hex(text[1]) && is_hex(text[2]); text.remove_prefix(3))
    bytes += static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2]));
  return bytes;
}

std::string unquoted(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::string(value);
  std::string text;
  for (size_t i = 1; i + 1 < value.size(); ++i) {
    if (value[i] == '"') return std::string(value);  // not one quoted string
    if (value[i] == '\\' && ++i + 1 == value.size()) return std::string(value);
    text += value[i];
  }
  return text;
}

// The two digits at `at`, or -1.
int two_digits(std::string_view text, size_t at) {
  if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
  return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

bool is_between(int value, int least, int most) { return value >= least && value <= most; }

// "Z" or "+01:00".
bool is_offset(std::string_view text) {
  if (text == "Z" || text == "z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' && is_between(two_digits(text, 1), 0, 23) &&
         is_between(two_digits(text, 4), 0, 59);
}

}  // namespace

std::optional<std::string> to_uri_reference(std::string_view text) {
  if (text.empty() || !is_well_formed(text)) return std::nullopt;
  size_t colon = text.find(':');
  bool has_scheme = colon != std::string_view::npos && colon < text.find_first_of("/?#");
  if (has_scheme && !is_scheme(text.substr(0, colon))) return std::nullopt;
  size_t start = has_scheme ? colon + 1 : 0, path = start;
  if (text.substr(start).starts_with("//")) {
    path = std::min(text.find_first_of("/?#", start + 2), text.size());
    if (!is_authority(text.substr(start + 2, path - start - 2))) return std::nullopt;
  }
  std::string reference;
  size_t fragment = std::min(text.find('#'), text.size());
  constexpr std::string_view kDelimiters = ":/?@%", kAuthorityDelimiters = "[]";
  for (size_t i = 0; i < text.size(); ++i) {
    bool delimits = kDelimiters.find(text[i]) != std::string_view::npos || i == fragment ||
                    (i < path && kAuthorityDelimiters.find(text[i]) != std::string_view::npos);
    if (delimits || is_plain(text[i])) {
      reference += text[i];
    } else {
      append_encoded(reference, text[i]);
    }
  }
  return reference;
}

std::string to_uri_segment(std::string_view text) {
  std::string segment;
  for (char c : text) {
    if (is_plain(c) || c == ':' || c == '@') {
      segment += c;
    } else {
      append_encoded(segment, c);
    }
  }
  return segment;
}

std::string from_header_value(std::string_view value) {
  std::string text = unquoted(value);
  if (text.find('%') == std::string::npos) return text;
  std::string decoded;
  for (std::string_view rest = text; !rest.empty();) {
    std::string bytes = leading_escapes(rest);
    size_t length = std::max<size_t>(3 * bytes.size(), 1);
    decoded += !bytes.empty() && may_be_in_attribute(bytes) ? std::string_view(bytes) : rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return decoded;
}

bool is_timestamp(std::string_view text) {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  if (text.size() <= kShape.size()) return false;
  for (size_t i = 0; i < kShape.size(); ++i) {
    bool fits = kShape[i] == 'd' ? is_digit(text[i]) : text[i] == kShape[i] || (kShape[i] == 'T' && text[i] == 't');
    if (!fits) return false;
  }
  std::chrono::year_month_day date{std::chrono::year(two_digits(text, 0) * 100 + two_digits(text, 2)),
                                   std::chrono::month(static_cast<unsigned>(two_digits(text, 5))),
                                   std::chrono::day(static_cast<unsigned>(two_digits(text, 8)))};
  bool time = two_digits(text, 11) <= 23 && two_digits(text, 14) <= 59 && two_digits(text, 17) <= 60;
  if (!date.ok() || !time) return false;
  std::string_view rest = text.substr(kShape.size());
  if (rest.front() == '.') {
    size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return false;
    rest.remove_prefix(end);
  }
  return is_offset(rest);
}

bool is_json_media_type(std::string_view text) {
  auto visible = [](char c) { return c >= ' ' && c < 0x7f; };
  if (!std::ranges::all_of(text, visible)) return false;
  std::string type = to_lower(trim(text.substr(0, text.find(';'))));
  size_t slash = type.find('/');
  auto is_token = [](std::string_view word) {
    return !word.empty() && word.find_first_of(" \t()<>@,;:\\\"/[]?=") == std::string_view::npos;
  };
  if (slash == std::string::npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1))) return false;
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

}  // namespace fiso::core

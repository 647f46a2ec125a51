#include "json/text.h"

#include <simdjson.h>

#include <cstring>
#include <optional>

#include "base/check.h"
#include "json/plain_run.h"
#include "json/utf8.h"

namespace fiso::json {
namespace {

void append_escape(std::string& out, char c) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += kHex[(c >> 4) & 0xf];
      out += kHex[c & 0xf];
  }
}

void append_escaped(std::string& out, std::string_view valid_utf8) {
  const char* at = valid_utf8.data();
  const char* end = at + valid_utf8.size();
  while (at != end) {
    const char* special = find_special(at, end).end;
    out.append(at, special);
    at = special;
    if (at != end) append_escape(out, *at++);
  }
}

std::string with_replacements(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size() + 16);
  while (!text.empty()) {
    size_t length = utf8_sequence(text);
    if (length == 0) {
      repaired += kReplacement;
      length = 1;
    } else {
      repaired.append(text, 0, length);
    }
    text.remove_prefix(length);
  }
  return repaired;
}

Error not_a_string() { return {ErrorCode::kInvalidInput, "not a valid JSON string"}; }

// The four digits of a \u escape, if `text` begins with them.
std::optional<uint32_t> hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (char c : text.substr(0, 4)) {
    uint32_t digit = c >= '0' && c <= '9'   ? static_cast<uint32_t>(c - '0')
                     : c >= 'a' && c <= 'f' ? static_cast<uint32_t>(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                            : 16;
    if (digit == 16) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

bool is_high_surrogate(uint32_t unit) { return (unit & 0xfc00) == 0xd800; }
bool is_low_surrogate(uint32_t unit) { return (unit & 0xfc00) == 0xdc00; }

// Takes a \u escape, or the two of a surrogate pair, from the front of `rest`; its "\u" has been taken already.
bool append_unicode_escape(std::string& out, std::string_view& rest) {
  auto unit = hex4(rest);
  if (!unit) return false;
  rest.remove_prefix(4);
  if (is_high_surrogate(*unit) && rest.starts_with("\\u")) {
    auto low = hex4(rest.substr(2));
    if (low && is_low_surrogate(*low)) {
      rest.remove_prefix(6);
      append_utf8(out, 0x10000 + ((*unit & 0x3ff) << 10 | (*low & 0x3ff)));
      return true;
    }
  }
  if (is_high_surrogate(*unit) || is_low_surrogate(*unit)) {
    out += kReplacement;
  } else {
    append_utf8(out, *unit);
  }
  return true;
}

// Takes one escape from the front of `rest`; its backslash has been taken already.
bool append_unescaped(std::string& out, std::string_view& rest) {
  if (rest.empty()) return false;
  char c = rest.front();
  rest.remove_prefix(1);
  switch (c) {
    case '"':
    case '\\':
    case '/': out += c; return true;
    case 'b': out += '\b'; return true;
    case 'f': out += '\f'; return true;
    case 'n': out += '\n'; return true;
    case 'r': out += '\r'; return true;
    case 't': out += '\t'; return true;
    case 'u': return append_unicode_escape(out, rest);
    default: return false;
  }
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  if (simdjson::validate_utf8(text)) {
    append_escaped(out, text);
  } else {
    append_escaped(out, with_replacements(text));
  }
  out += '"';
}

Result<std::string> unquote(std::string_view raw_string) {
  if (raw_string.size() < 2 || raw_string.front() != '"' || raw_string.back() != '"') return not_a_string();
  std::string_view rest = raw_string.substr(1, raw_string.size() - 2);
  if (!simdjson::validate_utf8(rest)) return not_a_string();
  std::string text;
  text.reserve(rest.size());
  while (!rest.empty()) {
    const char* special = find_special(rest.data(), rest.data() + rest.size()).end;
    size_t plain = static_cast<size_t>(special - rest.data());
    text.append(rest, 0, plain);
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    if (rest.front() != '\\') return not_a_string();
    rest.remove_prefix(1);
    if (!append_unescaped(text, rest)) return not_a_string();
  }
  return text;
}

void compact(std::string_view valid_json, std::string& out) {
  size_t before = out.size();
  out.resize(before + valid_json.size());
  size_t length = 0;
  auto error = simdjson::minify(valid_json.data(), valid_json.size(), out.data() + before, length);
  FISO_CHECK(error == simdjson::SUCCESS, "compact() of a text that was not validated");
  out.resize(before + length);
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text); }

bool is_single_line(std::string_view text) {
  return text.empty() ||
         (std::memchr(text.data(), '\n', text.size()) == nullptr && std::memchr(text.data(), '\r', text.size()) == nullptr);
}

}  // namespace fiso::json

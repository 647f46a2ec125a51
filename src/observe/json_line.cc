#include "observe/json_line.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <iterator>

namespace fiso::observe {
namespace {

struct Character {
  uint32_t code_point;
  size_t length;  // 0: not well-formed
};

// The multi-byte character `text` begins with.
Character decode(std::string_view text) {
  auto first = static_cast<unsigned char>(text[0]);
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {0, 0};
  uint32_t code_point = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {0, 0};
    code_point = code_point << 6 | (byte & 0x3f);
  }
  bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (overlong || surrogate || code_point > 0x10ffff) return {0, 0};
  return {code_point, length};
}

bool is_plain(char c) {
  auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

void append_ascii_escape(std::string& line, char c) {
  switch (c) {
    case '"': line += "\\\""; return;
    case '\\': line += "\\\\"; return;
    case '\n': line += "\\n"; return;
    case '\r': line += "\\r"; return;
    case '\t': line += "\\t"; return;
    default: fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

// Takes one character that is not plain from the front of `rest`.
void append_special(std::string& line, std::string_view& rest) {
  if (static_cast<unsigned char>(rest.front()) < 0x80) {
    append_ascii_escape(line, rest.front());
    rest.remove_prefix(1);
    return;
  }
  Character character = decode(rest);
  bool control = character.code_point < 0xa0 || character.code_point == 0x2028 || character.code_point == 0x2029;
  if (character.length == 0) {
    line += "\\ufffd";
    rest.remove_prefix(1);
    return;
  }
  if (control) {
    fmt::format_to(std::back_inserter(line), "\\u{:04x}", character.code_point);
  } else {
    line.append(rest, 0, character.length);
  }
  rest.remove_prefix(character.length);
}

// At most kMaxLogText bytes, not ending within a character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxLogText) return text;
  size_t end = kMaxLogText;
  for (int i = 0; i < 3 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80; ++i) --end;
  return text.substr(0, end);
}

void append_number(std::string& line, double number) {
  // JSON has no word for these.
  if (!std::isfinite(number)) {
    line += std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"+Inf\"" : "\"-Inf\"";
    return;
  }
  fmt::format_to(std::back_inserter(line), "{}", number);
}

struct ValueWriter {
  std::string& line;
  void operator()(std::string_view text) const { append_log_text(line, text); }
  void operator()(int64_t number) const { line += fmt::format_int(number).c_str(); }
  void operator()(uint64_t number) const { line += fmt::format_int(number).c_str(); }
  void operator()(double number) const { append_number(line, number); }
  void operator()(bool value) const { line += value ? "true" : "false"; }
};

}  // namespace

void append_log_text(std::string& line, std::string_view text) {
  std::string_view rest = cut(text);
  bool whole = rest.size() == text.size();
  line += '"';
  while (!rest.empty()) {
    size_t plain = 0;
    while (plain < rest.size() && is_plain(rest[plain])) ++plain;
    line.append(rest, 0, plain);
    rest.remove_prefix(plain);
    if (!rest.empty()) append_special(line, rest);
  }
  line += whole ? "\"" : "…\"";
}

void append_field(std::string& line, const Field& field) {
  line += ',';
  append_log_text(line, field.key());
  line += ':';
  std::visit(ValueWriter{line}, field.value());
}

}  // namespace fiso::observe

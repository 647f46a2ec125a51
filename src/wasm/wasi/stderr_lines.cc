#include "wasm/wasi/stderr_lines.h"

#include <algorithm>

namespace fiso::wasm::wasi {
namespace {

// Bytes of the UTF-8 character at the start of `text`; 0 if there is none (RFC 3629: no surrogates, shortest form only).
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0}; };
  auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

bool is_control(std::string_view character) {
  auto lead = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return lead < 0x20 || lead == 0x7F;
  return lead == 0xC2 && static_cast<uint8_t>(character[1]) < 0xA0;  // U+0080 to U+009F
}

void append_hex(std::string& to, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (char c : bytes) {
    auto byte = static_cast<uint8_t>(c);
    to += "\\x";
    to += kDigits[byte >> 4];
    to += kDigits[byte & 15];
  }
}

}  // namespace

std::string escape_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    size_t length = utf8_length(text);
    std::string_view character = text.substr(0, std::max<size_t>(length, 1));
    if (character == "\t") {
      out += "\\t";
    } else if (length == 0 || is_control(character)) {
      append_hex(out, character);
    } else {
      out += character;
    }
    text.remove_prefix(character.size());
  }
  return out;
}

void StderrLines::write(std::string_view text) {
  if (sink_ == nullptr) return;
  while (!text.empty() && lines_ < most_lines_) {
    size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return append(text);
    append(text.substr(0, newline));
    finish_line();
    text.remove_prefix(newline + 1);
  }
}

void StderrLines::flush() {
  if (!partial_.empty() || cut_) finish_line();
}

void StderrLines::append(std::string_view text) {
  size_t room = longest_line_ - partial_.size();
  cut_ = cut_ || text.size() > room;
  partial_.append(text.substr(0, room));
}

void StderrLines::finish_line() {
  if (lines_ < most_lines_) {
    if (partial_.ends_with('\r')) partial_.pop_back();
    std::string line = escape_controls(partial_);
    if (cut_) line += " [line cut]";
    sink_->line(line);
    if (++lines_ == most_lines_) sink_->line("[further lines of this run are dropped]");
  }
  partial_.clear();
  cut_ = false;
}

}  // namespace fiso::wasm::wasi

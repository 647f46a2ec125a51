#include "json/utf8.h"

namespace fiso::json {

size_t utf8_sequence(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xc0) == 0x80; };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !continues(1)) return 0;
  if (first < 0xe0) return 2;
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  unsigned char second = byte(1);
  if (first < 0xf0) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return continues(2) ? 3 : 0;
  }
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return continues(2) && continues(3) ? 4 : 0;
}

void append_utf8(std::string& out, uint32_t code_point) {
  auto byte = [&](uint32_t value) { out.push_back(static_cast<char>(value)); };
  auto continuation = [&](unsigned shift) { byte(0x80 | ((code_point >> shift) & 0x3f)); };
  if (code_point < 0x80) {
    byte(code_point);
  } else if (code_point < 0x800) {
    byte(0xc0 | (code_point >> 6));
    continuation(0);
  } else if (code_point < 0x10000) {
    byte(0xe0 | (code_point >> 12));
    continuation(6);
    continuation(0);
  } else {
    byte(0xf0 | (code_point >> 18));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

}  // namespace fiso::json

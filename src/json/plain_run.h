// Finds the next byte of a JSON string that needs a look: a quote, a backslash or a control character.
//
// Eight bytes at a time in a plain register, which suits strings of the usual ten to forty bytes. Internal to this library.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace fiso::json {

static_assert(std::endian::native == std::endian::little, "the lowest byte of a word is the first of the text");

constexpr uint64_t repeat_byte(uint8_t byte) { return 0x0101010101010101u * byte; }
inline constexpr uint64_t kHighBits = repeat_byte(0x80);

struct PlainRun {
  const char* end;     // the byte found, or the end of the text
  uint64_t high_bits;  // not 0 if a byte above 0x7f may have been passed; 0 is certain
};

inline PlainRun find_special(const char* at, const char* end) {
  uint64_t high_bits = 0;
  while (end - at >= 8) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    high_bits |= word & kHighBits;
    // A subtraction borrows into the high bit of each byte below the bound (0x20) or equal to the one that was xor-ed away.
    // A borrow may run on and flag the byte after a true match, which does no harm: the first one counts.
    uint64_t quote = word ^ repeat_byte('"');
    uint64_t backslash = word ^ repeat_byte('\\');
    uint64_t found = ((word - repeat_byte(0x20)) | (quote - repeat_byte(1)) | (backslash - repeat_byte(1))) & ~word & kHighBits;
    if (found != 0) return {at + std::countr_zero(found) / 8, high_bits};
    at += 8;
  }
  for (; at != end; ++at) {
    auto byte = static_cast<unsigned char>(*at);
    if (byte == '"' || byte == '\\' || byte < 0x20) break;
    high_bits |= byte & 0x80u;
  }
  return {at, high_bits};
}

}  // namespace fiso::json

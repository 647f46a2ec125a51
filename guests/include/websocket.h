// What a WebSocket server answers to a client's key: base64(SHA-1(key + GUID)), RFC 6455 section 4.2.2.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { kSha1 = 20, kSha1Block = 64, kAcceptText = 29 };

static inline uint32_t rotated(uint32_t word, int by) { return word << by | word >> (32 - by); }

static inline void sha1_block(uint32_t state[5], const uint8_t* block) {
  uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
  for (int i = 0; i < 16; ++i, block += 4)
    w[i] = (uint32_t)block[0] << 24 | (uint32_t)block[1] << 16 | (uint32_t)block[2] << 8 | block[3];
  for (int i = 16; i < 80; ++i) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  for (int i = 0; i < 80; ++i) {
    uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
               : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
    uint32_t next = rotated(a, 5) + f + e + w[i];
    e = d, d = c, c = rotated(b, 30), b = a, a = next;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

// Of at most 119 bytes.
static inline void sha1(const char* text, size_t size, uint8_t digest[kSha1]) {
  uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  uint8_t padded[2 * kSha1Block] = {0};
  memcpy(padded, text, size);
  padded[size] = 0x80;
  size_t end = size + 9 <= kSha1Block ? kSha1Block : 2 * kSha1Block;
  padded[end - 2] = (uint8_t)(size * 8 >> 8), padded[end - 1] = (uint8_t)(size * 8);
  for (size_t at = 0; at < end; at += kSha1Block) sha1_block(state, padded + at);
  for (int i = 0; i < kSha1; ++i) digest[i] = (uint8_t)(state[i / 4] >> (24 - i % 4 * 8));
}

static inline void websocket_accept(const char* key, size_t key_size, char text[kAcceptText]) {
  static const char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char all[119];
  uint8_t digest[kSha1 + 1] = {0};  // 20 bytes are six groups of three and one of two
  int size = snprintf(all, sizeof all, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)(key_size < 64 ? key_size : 64), key);
  sha1(all, (size_t)size, digest);
  for (int i = 0; i < 7; ++i) {
    uint32_t group = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
    for (int j = 0; j < 4; ++j) text[4 * i + j] = kLetters[group >> (18 - 6 * j) & 63];
  }
  text[27] = '=';
  text[28] = 0;
}

// Builds JSON text in memory, for the guests that report what they saw. Allocation failure aborts.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"

typedef struct {
  char* at;
  size_t size;
  size_t capacity;
} Text;

static inline void text_add_bytes(Text* text, const void* bytes, size_t size) {
  if (text->size + size > text->capacity) {
    text->capacity = (text->size + size) * 2 + 256;
    text->at = realloc(text->at, text->capacity);
    if (!text->at) abort();
  }
  memcpy(text->at + text->size, bytes, size);
  text->size += size;
}

static inline void text_add(Text* text, const char* literal) { text_add_bytes(text, literal, strlen(literal)); }

static inline void text_add_number(Text* text, long long number) {
  char digits[24];
  int size = snprintf(digits, sizeof digits, "%lld", number);
  text_add_bytes(text, digits, (size_t)size);
}

static inline void text_add_hex(Text* text, const void* bytes, size_t size) {
  const unsigned char* at = bytes;
  for (size_t i = 0; i < size; ++i) {
    text_add_bytes(text, &"0123456789abcdef"[at[i] >> 4], 1);
    text_add_bytes(text, &"0123456789abcdef"[at[i] & 15], 1);
  }
}

// A JSON string with its quotes. Bytes above ASCII are taken for UTF-8 and pass through.
static inline void text_add_string(Text* text, const char* string, size_t size) {
  text_add(text, "\"");
  for (size_t i = 0; i < size; ++i) {
    unsigned char c = (unsigned char)string[i];
    if (c == '"' || c == '\\') text_add(text, "\\");
    if (c < 0x20) {
      text_add(text, "\\u00");
      text_add_hex(text, &c, 1);
    } else {
      text_add_bytes(text, &c, 1);
    }
  }
  text_add(text, "\"");
}

// "name": in front of a value, with the comma that it needs.
static inline void text_add_name(Text* text, const char* name) {
  if (text->size > 0 && text->at[text->size - 1] != '{') text_add(text, ",");
  text_add_string(text, name, strlen(name));
  text_add(text, ":");
}

static inline void text_add_number_member(Text* text, const char* name, long long number) {
  text_add_name(text, name);
  text_add_number(text, number);
}

static inline void text_add_string_member(Text* text, const char* name, const char* string, size_t size) {
  text_add_name(text, name);
  text_add_string(text, string, size);
}

static inline void text_add_hex_member(Text* text, const char* name, const void* bytes, size_t size) {
  text_add_name(text, name);
  text_add(text, "\"");
  text_add_hex(text, bytes, size);
  text_add(text, "\"");
}

// Answers with the text as the payload, and no headers.
static inline void send_payload(const Text* payload) { send_answer((Slice){payload->at, payload->size}, slice("{}")); }

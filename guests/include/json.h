// Finds values in JSON text without parsing it: a value is a slice of the input, so it passes through byte for byte.
//
// Malformed text never makes a reader leave the slice it was given; what is found then is unspecified. Names are compared
// as written, without decoding escapes.
#pragma once

#include <stdlib.h>
#include <string.h>

typedef struct {
  const char* at;
  size_t size;
} Slice;

typedef struct {
  Slice name;  // without its quotes
  Slice value;
} Member;

static inline Slice slice(const char* text) { return (Slice){text, strlen(text)}; }

static inline int slice_is(Slice value, const char* text) {
  return value.size == strlen(text) && memcmp(value.at, text, value.size) == 0;
}

static inline const char* json_skip_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) ++at;
  return at;
}

// `at` is the opening quote; returns the place after the closing one.
static inline const char* json_skip_string(const char* at, const char* end) {
  for (++at; at < end && *at != '"'; ++at) {
    if (*at == '\\') ++at;
  }
  return at < end ? at + 1 : end;
}

static inline const char* json_skip_value(const char* at, const char* end) {
  int depth = 0;
  while (at < end) {
    char c = *at;
    if (c == '"') {
      at = json_skip_string(at, end);
      if (depth == 0) return at;
      continue;
    }
    if (c == '}' || c == ']') {
      if (depth == 0) return at;
      if (--depth == 0) return at + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      return at;
    }
    ++at;
  }
  return end;
}

static inline int json_is_object(Slice value) { return value.size >= 2 && value.at[0] == '{'; }
static inline int json_is_string(Slice value) { return value.size >= 2 && value.at[0] == '"'; }

// Takes the next member off `rest`, which is an object to begin with. Returns 0 at the end.
static inline int json_next_member(Slice* rest, Member* found) {
  const char* end = rest->at + rest->size;
  const char* at = json_skip_space(rest->at, end);
  if (at < end && (*at == '{' || *at == ',')) at = json_skip_space(at + 1, end);
  if (at >= end || *at != '"') return 0;
  const char* name = at + 1;
  at = json_skip_string(at, end);
  found->name = (Slice){name, (size_t)(at - name) - (at > name ? 1 : 0)};
  at = json_skip_space(at, end);
  if (at >= end || *at != ':') return 0;
  at = json_skip_space(at + 1, end);
  const char* value = at;
  at = json_skip_value(at, end);
  found->value = (Slice){value, (size_t)(at - value)};
  at = json_skip_space(at, end);
  *rest = (Slice){at, (size_t)(end - at)};
  return 1;
}

// The value of the member of that name; `otherwise` if there is none, or `object` is not an object.
static inline Slice json_member(Slice object, const char* name, Slice otherwise) {
  Member member;
  while (json_next_member(&object, &member)) {
    if (slice_is(member.name, name)) return member.value;
  }
  return otherwise;
}

// A payload that is a number, or an object with a number of that name.
static inline long long json_number(Slice payload, const char* name, long long otherwise) {
  Slice value = json_is_object(payload) ? json_member(payload, name, (Slice){"", 0}) : payload;
  const char* at = value.at;
  const char* end = value.at + value.size;
  int negative = at < end && *at == '-';
  if (negative) ++at;
  if (at >= end || *at < '0' || *at > '9') return otherwise;
  long long number = 0;
  for (; at < end && *at >= '0' && *at <= '9'; ++at) number = number * 10 + (*at - '0');
  return negative ? -number : number;
}

// A string value as C text, allocated and never freed; "" for anything else. Knows the one-letter escapes and \u00XX.
static inline char* json_text(Slice value) {
  static const char kLetters[] = "nrtbf", kMeanings[] = "\n\r\t\b\f";
  char* text = malloc(value.size + 1);
  if (!text) abort();
  char* out = text;
  const char* at = json_is_string(value) ? value.at + 1 : value.at;
  const char* end = json_is_string(value) ? value.at + value.size - 1 : value.at;
  for (; at < end; ++at) {
    if (*at != '\\' || at + 1 == end) {
      *out++ = *at;
    } else if (*++at == 'u' && end - at > 4) {
      char digits[5] = {at[1], at[2], at[3], at[4], 0};
      *out++ = (char)strtoul(digits, NULL, 16);
      at += 4;
    } else {
      const char* letter = strchr(kLetters, *at);
      *out++ = letter ? kMeanings[letter - kLetters] : *at;
    }
  }
  *out = 0;
  return text;
}

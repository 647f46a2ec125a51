// The guest's side of the interceptor envelope: {"payload":…,"headers":…,"direction":…} comes in on stdin, and
// {"payload":…,"headers":…} goes out on stdout.
//
// Small and quick, for the guests that are measured: no stdio, the input is read into a static buffer (malloc only when it
// is too small), and the answer leaves in one write whose pieces are gathered from where they are.
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "json.h"

enum { kInputBuffer = 16 * 1024, kAnswerPieces = 16, kCannotRead = 70, kCannotWrite = 74 };

typedef struct {
  Slice payload;  // "null" if the envelope has none
  Slice headers;  // "null" likewise
} Envelope;

// All of `fd` up to its end; leaves with kCannotRead if that fails. For one use per guest.
static inline Slice read_all(int fd) {
  static char buffer[kInputBuffer];
  char* at = buffer;
  size_t capacity = sizeof buffer, size = 0;
  for (;;) {
    ssize_t got = read(fd, at + size, capacity - size);
    if (got < 0) _Exit(kCannotRead);
    if (got == 0) return (Slice){at, size};
    size += (size_t)got;
    if (size < capacity) continue;
    char* larger = malloc(capacity * 2);
    if (!larger) _Exit(kCannotRead);
    memcpy(larger, at, size);
    if (at != buffer) free(at);
    at = larger;
    capacity *= 2;
  }
}

static inline Envelope parse_envelope(Slice text) {
  Envelope envelope = {{"null", 4}, {"null", 4}};
  Member member;
  while (json_next_member(&text, &member)) {
    if (slice_is(member.name, "payload")) envelope.payload = member.value;
    if (slice_is(member.name, "headers")) envelope.headers = member.value;
  }
  return envelope;
}

static inline Envelope read_envelope(void) { return parse_envelope(read_all(STDIN_FILENO)); }

// Text that is written in one piece, from where it is.
typedef struct {
  struct iovec pieces[kAnswerPieces];
  int count;
} Answer;

static inline void add_slice(Answer* answer, Slice piece) {
  if (answer->count == kAnswerPieces) abort();
  answer->pieces[answer->count++] = (struct iovec){(void*)(uintptr_t)piece.at, piece.size};
}

static inline void add(Answer* answer, const char* literal) { add_slice(answer, slice(literal)); }

// One write; more only if the host takes less than all of it. Leaves with kCannotWrite if that fails.
static inline void send(Answer* answer) {
  struct iovec* next = answer->pieces;
  struct iovec* end = next + answer->count;
  while (next < end) {
    ssize_t written = writev(STDOUT_FILENO, next, (int)(end - next));
    if (written < 0) _Exit(kCannotWrite);
    size_t left = (size_t)written;
    for (; next < end && left >= next->iov_len; ++next) left -= next->iov_len;
    if (next < end) {
      next->iov_base = (char*)next->iov_base + left;
      next->iov_len -= left;
    }
  }
}

static inline void send_answer(Slice payload, Slice headers) {
  Answer answer = {.count = 0};
  add(&answer, "{\"payload\":");
  add_slice(&answer, payload);
  add(&answer, ",\"headers\":");
  add_slice(&answer, headers);
  add(&answer, "}");
  send(&answer);
}

// An object with one more member, put before its own. `first` is `"name":value` without a comma.
static inline void add_object_with(Answer* answer, Slice object, const char* first) {
  const char* end = object.at + object.size;
  const char* inside = json_skip_space(object.at + 1, end);
  add(answer, "{");
  add(answer, first);
  if (inside < end && *inside != '}') add(answer, ",");
  add_slice(answer, (Slice){inside, (size_t)(end - inside)});
}

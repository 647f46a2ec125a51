// Serves one envelope per line until its input ends, a line of answer each, and adds `"served": n` to payloads that are
// objects. The last line need not be finished, so the guest serves a single event as well.
#include <stdio.h>

#include "envelope.h"

enum { kLineBuffer = 64 * 1024 };

static int served;

static void serve(Slice line) {
  if (json_skip_space(line.at, line.at + line.size) == line.at + line.size) return;
  Envelope in = parse_envelope(line);
  char member[32];
  snprintf(member, sizeof member, "\"served\":%d", ++served);
  Answer answer = {.count = 0};
  add(&answer, "{\"payload\":");
  if (json_is_object(in.payload)) {
    add_object_with(&answer, in.payload, member);
  } else {
    add_slice(&answer, in.payload);
  }
  add(&answer, ",\"headers\":");
  add_slice(&answer, in.headers);
  add(&answer, "}\n");
  send(&answer);
}

int main(void) {
  size_t capacity = kLineBuffer, size = 0;
  char* buffer = malloc(capacity);
  for (;;) {
    if (!buffer) return kCannotRead;
    ssize_t got = read(STDIN_FILENO, buffer + size, capacity - size);
    if (got < 0) return kCannotRead;
    if (got == 0) break;
    char* line = buffer;
    char* searched = buffer + size;
    size += (size_t)got;
    char* end = buffer + size;
    for (char* newline; (newline = memchr(searched, '\n', (size_t)(end - searched))); line = searched = newline + 1) {
      serve((Slice){line, (size_t)(newline - line)});
    }
    size = (size_t)(end - line);
    memmove(buffer, line, size);
    if (size == capacity) buffer = realloc(buffer, capacity *= 2);
  }
  serve((Slice){buffer, size});
  return 0;
}

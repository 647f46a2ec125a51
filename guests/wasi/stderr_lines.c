// Writes to stderr what a log has to cope with, then answers {"lines": n}: n plain lines (payload: a number, or
// {"lines": n}), an empty one, control characters, bytes that are not UTF-8, one line of 100,000 characters, and a last
// line that is not finished.
#include "text.h"

enum { kLongLine = 100000 };

static void write_all(const char* at, size_t size) {
  while (size > 0) {
    ssize_t written = write(STDERR_FILENO, at, size);
    if (written <= 0) return;
    at += written;
    size -= (size_t)written;
  }
}

int main(void) {
  static const char kOdd[] = "\nescape \x1b[31mred\x1b[0m bell \a nul \0 tab \t return \r end\nnot utf-8 \xff\xfe\xc3\x28 end\n";
  static char long_line[kLongLine + 1];
  Envelope in = read_envelope();
  long long lines = json_number(in.payload, "lines", 3);
  for (long long i = 1; i <= lines; ++i) {
    char line[32];
    int size = snprintf(line, sizeof line, "line %lld\n", i);
    write_all(line, (size_t)size);
  }
  write_all(kOdd, sizeof kOdd - 1);
  memset(long_line, 'x', kLongLine);
  long_line[kLongLine] = '\n';
  write_all(long_line, sizeof long_line);
  write_all("unfinished", 10);
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "lines", lines);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

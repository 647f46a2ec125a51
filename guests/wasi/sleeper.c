// Sleeps as many milliseconds as the payload says (a number, or {"ms": n}), then answers {"slept_ms": n} as measured.
#include "moment.h"

int main(void) {
  Envelope in = read_envelope();
  long long ms = json_number(in.payload, "ms", 0);
  long long before = clock_ns(CLOCK_MONOTONIC);
  struct timespec duration = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  if (nanosleep(&duration, NULL) != 0) return 1;
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "slept_ms", (clock_ns(CLOCK_MONOTONIC) - before) / 1000000);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

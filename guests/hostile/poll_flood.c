// Polls 50,000 clocks at once, all due, then one clock 50,000 times. Answers {"errno": n, "events": n, "polls": n}: the
// first two of the large poll, which a host may refuse; `polls` of the small ones, which it may not.
#include <wasi/api.h>

#include "text.h"

enum { kClocks = 50000 };

int main(void) {
  read_envelope();
  __wasi_subscription_t* clocks = calloc(kClocks, sizeof *clocks);
  __wasi_event_t* events = calloc(kClocks, sizeof *events);
  if (!clocks || !events) return 3;
  for (size_t i = 0; i < kClocks; ++i) {
    clocks[i].userdata = i;
    clocks[i].u.tag = __WASI_EVENTTYPE_CLOCK;
    clocks[i].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
  }
  __wasi_size_t happened = 0, one;
  __wasi_errno_t error = __wasi_poll_oneoff(clocks, events, kClocks, &happened);
  int polls = 0;
  while (polls < kClocks && __wasi_poll_oneoff(clocks, events, 1, &one) == 0) ++polls;
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "errno", error);
  text_add_number_member(&text, "events", happened);
  text_add_number_member(&text, "polls", polls);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

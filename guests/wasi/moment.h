// The clocks and the randomness of one moment.
#pragma once

#include <time.h>
#include <unistd.h>

#include "text.h"

typedef struct {
  long long realtime_ns;
  long long monotonic_ns;
  unsigned char random[16];
} Moment;

static inline long long clock_ns(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) abort();
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline Moment take_moment(void) {
  Moment moment = {.realtime_ns = clock_ns(CLOCK_REALTIME), .monotonic_ns = clock_ns(CLOCK_MONOTONIC)};
  if (getentropy(moment.random, sizeof moment.random) != 0) abort();
  return moment;
}

static inline void text_add_moment(Text* text, const Moment* moment) {
  text_add(text, "{");
  text_add_number_member(text, "realtime_ns", moment->realtime_ns);
  text_add_number_member(text, "monotonic_ns", moment->monotonic_ns);
  text_add_hex_member(text, "random", moment->random, sizeof moment->random);
  text_add(text, "}");
}

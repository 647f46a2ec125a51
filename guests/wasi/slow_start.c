// Says that it starts, the second half of it without a newline, sleeps as many milliseconds as its first argument says (none
// without one), and only then reads its input and answers {"started": true}.
#include "moment.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  fputs("starting\nand sleeping", stderr);
  long long ms = argc > 1 ? atoll(argv[1]) : 0;
  struct timespec duration = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
  if (ms > 0 && nanosleep(&duration, NULL) != 0) return 1;
  read_envelope();
  send_answer(slice("{\"started\":true}"), slice("{}"));
  return 0;
}

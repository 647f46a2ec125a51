// Takes and fills a mebibyte at a time until malloc refuses, then leaves with exit code 3; with BOMB_TRAPS it aborts.
#include <stdlib.h>
#include <string.h>

enum { kStep = 1024 * 1024 };

static char* volatile last;

int main(void) {
  for (char* taken; (taken = malloc(kStep)); last = taken) memset(taken, 1, kStep);
#ifdef BOMB_TRAPS
  abort();
#else
  return 3;
#endif
}

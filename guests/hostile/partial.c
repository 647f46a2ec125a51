// Writes the first half of an answer, then traps; with PARTIAL_EXIT it writes all of an answer, then leaves with exit
// code 1. Neither may count as an answer.
#include <stdlib.h>

#include "envelope.h"

int main(void) {
  read_envelope();
#ifdef PARTIAL_EXIT
  send_answer(slice("{\"partial\":true}"), slice("{}"));
  return 1;
#else
  Answer half = {.count = 0};
  add(&half, "{\"payload\":{\"partial\":");
  send(&half);
  abort();
#endif
}

// Reads its input, prints SAYS, and leaves as if all were well.
#include "envelope.h"

int main(void) {
  read_envelope();
  Answer answer = {.count = 0};
  add(&answer, SAYS);
  send(&answer);
  return 0;
}

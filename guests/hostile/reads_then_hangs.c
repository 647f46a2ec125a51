// Reads its input and then never answers.
#include "envelope.h"

int main(void) {
  read_envelope();
  for (volatile unsigned rounds = 0;; ++rounds) {}
}

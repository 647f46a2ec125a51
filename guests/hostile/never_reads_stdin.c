// Answers without looking at its input.
#include "envelope.h"

int main(void) {
  send_answer(slice("{\"read\":false}"), slice("{}"));
  return 0;
}

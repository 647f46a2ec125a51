// Polls with a time-out of 0, which is not to wait: for nothing, and for stdin, whose end it has seen: {"none": n, "stdin": n}.
#include <poll.h>

#include "text.h"

int main(void) {
  read_envelope();
  Text payload = {0};
  text_add(&payload, "{");
  text_add_number_member(&payload, "none", poll(NULL, 0, 0));
  struct pollfd input = {.fd = 0, .events = POLLIN};
  text_add_number_member(&payload, "stdin", poll(&input, 1, 0));
  text_add(&payload, "}");
  send_payload(&payload);
  return 0;
}

// Answers {"realtime_ns": n, "monotonic_ns": n, "random": "32 hex digits"}.
#include "moment.h"

int main(void) {
  read_envelope();
  Moment now = take_moment();
  Text text = {0};
  text_add_moment(&text, &now);
  send_payload(&text);
  return 0;
}

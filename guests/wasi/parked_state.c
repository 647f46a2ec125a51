// Shows what is fixed before the input arrives: answers {"starts": n, "start": moment, "read": moment}, the first taken
// when the guest started, the second after it had read its input. In a guest that was parked the two lie far apart;
// `starts` is 1 in every fresh instance.
#include "moment.h"

static int starts;
static Moment start;

__attribute__((constructor)) static void note_start(void) {
  ++starts;
  start = take_moment();
}

int main(void) {
  read_envelope();
  Moment now = take_moment();
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "starts", starts);
  text_add_name(&text, "start");
  text_add_moment(&text, &start);
  text_add_name(&text, "read");
  text_add_moment(&text, &now);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

// Asks for a gibibyte of randomness, 16 MiB at a time. Answers {"mib": n, "errno": n}: how much it got, and what ended it.
#include <wasi/api.h>

#include "text.h"

enum { kStepMib = 16, kAllMib = 1024 };

static uint8_t chunk[kStepMib * 1024 * 1024];

int main(void) {
  read_envelope();
  int mib = 0;
  __wasi_errno_t error = 0;
  for (; mib < kAllMib && error == 0; mib += error ? 0 : kStepMib) error = __wasi_random_get(chunk, sizeof chunk);
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "mib", mib);
  text_add_number_member(&text, "errno", error);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

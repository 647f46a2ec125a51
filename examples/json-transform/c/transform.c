// Adds "total", price times quantity, to an order. A single file on WASI's C library, with the small JSON reader of guests/include.
#include <stdio.h>

#include "envelope.h"

int main(void) {
  Envelope event = read_envelope();
  if (!json_is_object(event.payload)) return 1;
  char total[64];
  snprintf(total, sizeof total, "\"total\":%lld", json_number(event.payload, "price", 0) * json_number(event.payload, "quantity", 0));
  Answer answer = {.count = 0};
  add(&answer, "{\"payload\":");
  add_object_with(&answer, event.payload, total);
  add(&answer, ",\"headers\":{\"X-Transformed-By\":\"C\"}}");
  send(&answer);
  return 0;
}

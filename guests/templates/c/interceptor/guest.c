// Adds "seen": true to an event that is an object, and the header X-Seen-By.
#include "envelope.h"

int main(void) {
  Envelope event = read_envelope();
  Answer answer = {.count = 0};
  add(&answer, "{\"payload\":");
  if (json_is_object(event.payload)) {
    add_object_with(&answer, event.payload, "\"seen\":true");
  } else {
    add_slice(&answer, event.payload);
  }
  add(&answer, ",\"headers\":{\"X-Seen-By\":\"@NAME@\"}}");
  send(&answer);
  return 0;
}

// Answers /hello, and /echo with what came in.
#include "envelope.h"

int main(void) {
  Slice request = read_all(STDIN_FILENO);
  Slice path = json_member(request, "path", slice("\"\""));
  Answer answer = {.count = 0};
  if (slice_is(path, "\"/hello\"")) {
    add(&answer, "{\"status\":200,\"body\":{\"greeting\":\"hello\"}}");
  } else if (slice_is(path, "\"/echo\"")) {
    add(&answer, "{\"status\":200,\"body\":{\"received\":");
    add_slice(&answer, json_member(request, "body", slice("null")));
    add(&answer, "}}");
  } else {
    add(&answer, "{\"status\":404,\"body\":{\"error\":\"no such page\"}}");
  }
  send(&answer);
  return 0;
}

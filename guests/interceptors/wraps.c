// Answers with what it was given, the whole envelope, as the payload. The environment says what else: OUTPUT, if it is there, is the
// answer as it stands, HEADERS are the answer's headers, else none.
#include "envelope.h"

int main(void) {
  Slice in = read_all(STDIN_FILENO);
  const char* output = getenv("OUTPUT");
  const char* headers = getenv("HEADERS");
  Answer answer = {.count = 0};
  if (output) {
    add(&answer, output);
  } else {
    add(&answer, "{\"payload\":");
    add_slice(&answer, in);
    add(&answer, ",\"headers\":");
    add(&answer, headers ? headers : "{}");
    add(&answer, "}");
  }
  send(&answer);
  return 0;
}

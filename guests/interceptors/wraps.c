// Answers with what it was given, the whole envelope, as the payload. An argument, or OUTPUT of the environment, is the
// answer as it stands; HEADERS of the environment are the answer's headers, else none.
#include "envelope.h"

int main(int argc, char** argv) {
  Slice in = read_all(STDIN_FILENO);
  const char* output = argc > 1 ? argv[1] : getenv("OUTPUT");
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

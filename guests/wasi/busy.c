// Computes for as many million rounds as the payload says (a number, or {"rounds": n}; about a millisecond each), then
// answers {"rounds": n, "hash": n}.
#include "text.h"

int main(void) {
  Envelope in = read_envelope();
  long long rounds = json_number(in.payload, "rounds", 1);
  uint32_t hash = 2463534242u;
  for (long long i = 0; i < rounds * 1000000; ++i) {
    hash ^= hash << 13;
    hash ^= hash >> 17;
    hash ^= hash << 5;
  }
  Text text = {0};
  text_add(&text, "{");
  text_add_number_member(&text, "rounds", rounds);
  text_add_number_member(&text, "hash", hash);
  text_add(&text, "}");
  send_payload(&text);
  return 0;
}

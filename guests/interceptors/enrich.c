// Adds `"wasm_enriched": true` to a payload that is an object, and the header X-Wasm-Enriched.
#include "enriched.h"

int main(void) {
  send_enriched(read_envelope());
  return 0;
}

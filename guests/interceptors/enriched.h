// What the enriching guests answer, however they came by their input.
#pragma once

#include "envelope.h"

static inline void send_enriched(Envelope in) {
  Answer answer = {.count = 0};
  add(&answer, "{\"payload\":");
  if (json_is_object(in.payload)) {
    add_object_with(&answer, in.payload, "\"wasm_enriched\":true");
  } else {
    add_slice(&answer, in.payload);
  }
  add(&answer, ",\"headers\":");
  add_object_with(&answer, json_is_object(in.headers) ? in.headers : slice("{}"), "\"X-Wasm-Enriched\":\"true\"");
  add(&answer, "}");
  send(&answer);
}

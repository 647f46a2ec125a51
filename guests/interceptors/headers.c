// Changes the value of X-Change if there is such a header, keeps the others, and adds: one good header, one empty one,
// those that belong to the connection or to Fiso and must not be set by a guest, and two that are not valid HTTP.
#include <strings.h>

#include "text.h"

static const char kAdded[] =
    "\"X-Wasm-Added\":\"yes\",\"X-Wasm-Empty\":\"\","
    "\"Connection\":\"close\",\"Keep-Alive\":\"timeout=1\",\"Transfer-Encoding\":\"chunked\",\"Upgrade\":\"h2c\","
    "\"Host\":\"guest.example\",\"Content-Length\":\"1\",\"Content-Type\":\"text/plain\",\"Fiso-X\":\"forged\","
    "\"Bad Name\":\"x\",\"X-Split\":\"a\\r\\nX-Injected: yes\"";

int main(void) {
  Envelope in = read_envelope();
  Text headers = {0};
  text_add(&headers, "{");
  Slice rest = json_is_object(in.headers) ? in.headers : slice("");
  Member member;
  while (json_next_member(&rest, &member)) {
    int change = member.name.size == 8 && strncasecmp(member.name.at, "X-Change", 8) == 0;
    text_add(&headers, "\"");
    text_add_bytes(&headers, member.name.at, member.name.size);
    text_add(&headers, "\":");
    Slice value = change ? slice("\"changed\"") : member.value;
    text_add_bytes(&headers, value.at, value.size);
    text_add(&headers, ",");
  }
  text_add(&headers, kAdded);
  text_add(&headers, "}");
  send_answer(in.payload, (Slice){headers.at, headers.size});
  return 0;
}

// Answers {"args": [...], "env": {...}}: all that the guest was started with.
#include "text.h"

extern char** environ;

int main(int argc, char** argv) {
  read_envelope();
  Text text = {0};
  text_add(&text, "{\"args\":[");
  for (int i = 0; i < argc; ++i) {
    if (i > 0) text_add(&text, ",");
    text_add_string(&text, argv[i], strlen(argv[i]));
  }
  text_add(&text, "],\"env\":{");
  for (char** entry = environ; *entry; ++entry) {
    const char* equals = strchr(*entry, '=');
    if (!equals) continue;
    if (entry != environ) text_add(&text, ",");
    text_add_string(&text, *entry, (size_t)(equals - *entry));
    text_add(&text, ":");
    text_add_string(&text, equals + 1, strlen(equals + 1));
  }
  text_add(&text, "}}");
  send_payload(&text);
  return 0;
}

// An app that lives on and answers a line of JSON per request line, with a counter: /count, /echo (the body). With --ids its
// answers carry the request's id, and /hold is answered only after the request that follows it. What goes wrong by path:
// /silent is not answered, /late only together with the next one, /text is no JSON, /huge is longer than any answer may be,
// /leave answers and leaves with 0, /exit leaves with 3, /trap traps, /loop computes for ever.
#include <stdio.h>

#include "envelope.h"

static int count;
static int speaks_ids;
static char* held_id;
static char* late;

static char* copy(Slice value) {
  char* text = malloc(value.size + 1);
  if (!text) abort();
  memcpy(text, value.at, value.size);
  text[value.size] = 0;
  return text;
}

static void answer(Slice id, const char* path, Slice body) {
  if (speaks_ids) {
    printf("{\"id\":%.*s,\"body\":", (int)id.size, id.at);
  } else {
    printf("{\"body\":");
  }
  if (body.size > 0) {
    printf("%.*s}\n", (int)body.size, body.at);
  } else {
    printf("{\"count\":%d,\"path\":%s}}\n", count, path);
  }
}

static void write_huge(void) {
  static char piece[1 << 16];
  memset(piece, 'x', sizeof piece);
  for (int i = 0; i < 1 << 10; ++i) fwrite(piece, 1, sizeof piece, stdout);
}

static void serve(Slice line) {
  Slice id = json_member(line, "id", slice("0"));
  char* path = copy(json_member(line, "path", slice("\"\"")));
  Slice body = {"", 0};
  ++count;
  if (late) printf("%s", late);
  late = NULL;
  if (strcmp(path, "\"/silent\"") == 0) return;
  if (strcmp(path, "\"/late\"") == 0) {
    late = "{\"body\":\"late\"}\n";
    return;
  }
  if (strcmp(path, "\"/hold\"") == 0) {
    held_id = copy(id);
    return;
  }
  if (strcmp(path, "\"/exit\"") == 0) exit(3);
  if (strcmp(path, "\"/trap\"") == 0) __builtin_trap();
  if (strcmp(path, "\"/loop\"") == 0)
    for (volatile int i = 0;; ++i) {}
  if (strcmp(path, "\"/huge\"") == 0) write_huge();
  if (strcmp(path, "\"/echo\"") == 0) body = json_member(line, "body", slice("null"));
  if (strcmp(path, "\"/text\"") == 0) {
    printf("hello\n");
  } else {
    answer(id, path, body);
  }
  if (held_id) answer(slice(held_id), "\"/hold\"", (Slice){"", 0});
  held_id = NULL;
  if (strcmp(path, "\"/leave\"") == 0) exit(0);
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) speaks_ids = speaks_ids || strcmp(argv[i], "--ids") == 0;
  fprintf(stderr, "begins\n");
  char* line = NULL;
  size_t capacity = 0;
  for (ssize_t size; (size = getline(&line, &capacity, stdin)) > 0;) {
    serve((Slice){line, (size_t)size});
    fflush(stdout);
  }
  return 0;
}

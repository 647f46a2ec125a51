// An app that answers one request by one JSON document: /hello, /echo, /health, /port, /home, /args (how many); /trap, /loop, /bad
// and /silent go wrong; 404 for the rest. Reads the file that --stdin-file names, else stdin, to the end.
#include <fcntl.h>
#include <stdio.h>

#include "envelope.h"

static void answer_not_found(Slice path) {
  Answer answer = {.count = 0};
  add(&answer, "{\"status\":404,\"body\":{\"error\":\"not found\",\"path\":");
  add_slice(&answer, path);
  add(&answer, "}}");
  send(&answer);
}

static void answer_echo(Slice body) {
  Answer answer = {.count = 0};
  add(&answer, "{\"status\":200,\"headers\":{\"Set-Cookie\":[\"a=1\",\"b=2\"]},\"body\":{\"received\":");
  add_slice(&answer, body);
  add(&answer, ",\"echoed\":true}}");
  send(&answer);
}

static void answer_variable(const char* name) {
  const char* value = getenv(name);
  printf("{\"bodyText\":\"%s=%s\"}\n", name, value ? value : "");
  fflush(stdout);
}

int main(int argc, char** argv) {
  int input = STDIN_FILENO;
  for (int i = 1; i + 1 < argc; ++i)
    if (strcmp(argv[i], "--stdin-file") == 0) input = open(argv[i + 1], O_RDONLY);
  Slice request = read_all(input);
  Slice path = json_member(request, "path", slice("\"\""));
  const char* server = getenv("SERVER_NAME");
  if (slice_is(path, "\"/hello\"")) {
    printf("{\"body\":{\"greeting\":\"hello\",\"server\":\"%s\",\"version\":\"2.0.0\"}}\n", server ? server : "");
  } else if (slice_is(path, "\"/echo\"")) {
    answer_echo(json_member(request, "body", slice("null")));
  } else if (slice_is(path, "\"/health\"")) {
    printf("{\"body\":{\"status\":\"healthy\"}}\n");
  } else if (slice_is(path, "\"/port\"")) {
    answer_variable("PORT");
  } else if (slice_is(path, "\"/home\"")) {
    answer_variable("HOME");
  } else if (slice_is(path, "\"/args\"")) {
    printf("{\"bodyText\":\"%d\"}\n", argc - 1);
  } else if (slice_is(path, "\"/trap\"")) {
    __builtin_trap();
  } else if (slice_is(path, "\"/loop\"")) {
    for (volatile int i = 0;; ++i) {}
  } else if (slice_is(path, "\"/bad\"")) {
    printf("{\"status\":99999}\n");
  } else if (slice_is(path, "\"/silent\"")) {
    return 0;
  } else {
    answer_not_found(path);
  }
  return 0;
}

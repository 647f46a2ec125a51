// An app that makes a thousand writes of a byte each to /data/notes and leaves the file open: /return returns from main, /exit exits,
// /wait answers and then waits for ever.
#include <fcntl.h>
#include <stdio.h>

#include "envelope.h"

int main(void) {
  Slice request = read_all(STDIN_FILENO);
  Slice path = json_member(request, "path", slice("\"\""));
  int file = open("/data/notes", O_WRONLY | O_CREAT | O_APPEND, 0600);
  for (int i = 0; i < 1000; ++i)
    if (write(file, "x", 1) != 1) return 3;
  printf("{\"bodyText\":\"noted\"}\n");
  fflush(stdout);
  if (slice_is(path, "\"/exit\"")) exit(0);
  while (slice_is(path, "\"/wait\"")) sleep(1000);
  return 0;
}

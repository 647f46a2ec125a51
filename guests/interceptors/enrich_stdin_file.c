// As `enrich`, for a host that hands over the input as a file: the guest is started with --stdin-file PATH and takes its
// input from nowhere else. Exit code 2 if it is started without.
#include <fcntl.h>
#include <stdio.h>

#include "enriched.h"

int main(int argc, char** argv) {
  const char* path = NULL;
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], "--stdin-file") == 0) path = argv[i + 1];
  }
  if (!path) {
    fputs("enrich_stdin_file: the flag --stdin-file PATH is required\n", stderr);
    return 2;
  }
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    perror("enrich_stdin_file: cannot open the input");
    return kCannotRead;
  }
  send_enriched(parse_envelope(read_all(fd)));
  return 0;
}

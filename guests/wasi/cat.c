// Copies stdin to stdout as it comes, a read at a time, and ends with a line on stderr: how many bytes it copied.
// Exit code 3 if stdout takes no more. With the argument "poll" it waits for stdin by poll() before each read.
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char buffer[64 * 1024];

int main(int count, char** arguments) {
  int polls = count > 1 && strcmp(arguments[1], "poll") == 0;
  unsigned long long copied = 0;
  for (;;) {
    struct pollfd waited = {.fd = 0, .events = POLLIN};
    if (polls && poll(&waited, 1, -1) != 1) return 4;
    ssize_t got = read(0, buffer, sizeof buffer);
    if (got < 0) return 5;
    if (got == 0) break;
    for (ssize_t done = 0; done < got;) {
      ssize_t written = write(1, buffer + done, (size_t)(got - done));
      if (written <= 0) return 3;
      done += written;
    }
    copied += (unsigned long long)got;
  }
  fprintf(stderr, "%llu bytes\n", copied);
  return 0;
}

// Closes its standard streams, then uses them. Exit code 0 if every use was refused, 1 if one was not; no output.
#include <unistd.h>

int main(void) {
  char byte;
  for (int fd = 0; fd <= 2; ++fd) {
    if (close(fd) != 0) return 1;
  }
  for (int fd = 0; fd <= 2; ++fd) {
    if (close(fd) == 0) return 1;
  }
  int used = read(0, &byte, 1) >= 0 || write(1, "x", 1) >= 0 || write(2, "x", 1) >= 0;
  return used ? 1 : 0;
}

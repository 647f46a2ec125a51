// Writes FLOOD_MIB mebibytes to a descriptor (FLOOD_FD) and leaves with exit code 0, whatever the host says to the writes;
// with FLOOD_MIB 0 it never stops.
#include <string.h>
#include <unistd.h>

enum { kStep = 1024 * 1024 };

static char chunk[kStep];

int main(void) {
  memset(chunk, 'x', sizeof chunk);
  for (unsigned long written = 0; FLOOD_MIB == 0 || written < FLOOD_MIB; ++written) {
    (void)write(FLOOD_FD, chunk, sizeof chunk);
  }
  return 0;
}

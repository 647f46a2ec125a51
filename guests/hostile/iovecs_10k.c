// Writes a valid answer, a string of 10,000 letters, with a single call of one iovec per byte; goes on where the host took
// less. Exit code 1 if the host refuses.
#include <wasi/api.h>

#include "envelope.h"

enum { kLetters = 10000 };

static const char kBefore[] = "{\"payload\":\"", kAfter[] = "\",\"headers\":{}}";
enum { kBytes = sizeof kBefore - 1 + kLetters + sizeof kAfter - 1 };

static char bytes[kBytes];
static __wasi_ciovec_t iovecs[kBytes];

int main(void) {
  read_envelope();
  memcpy(bytes, kBefore, sizeof kBefore - 1);
  memset(bytes + sizeof kBefore - 1, 'x', kLetters);
  memcpy(bytes + kBytes - (sizeof kAfter - 1), kAfter, sizeof kAfter - 1);
  for (size_t i = 0; i < kBytes; ++i) iovecs[i] = (__wasi_ciovec_t){(const uint8_t*)bytes + i, 1};
  for (__wasi_size_t sent = 0, written; sent < kBytes; sent += written) {
    if (__wasi_fd_write(1, iovecs + sent, kBytes - sent, &written) != 0 || written == 0) return 1;
  }
  return 0;
}

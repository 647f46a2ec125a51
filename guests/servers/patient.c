// A TCP server, one connection at a time, that waits as long as it takes: it reads a line and writes it back, or, for "flood N",
// N MiB of zeros. By sock_recv and sock_send, or, with the argument `fd`, by fd_read and fd_write.
#include "http.h"

static int by_fd = 0;

static int64_t receive(int32_t fd, void* to, uint32_t most) {
  return by_fd ? read(fd, to, most) : socket_read(fd, to, most);
}

static int transmit(int32_t fd, const char* from, uint32_t size) {
  if (!by_fd) return socket_write(fd, from, size);
  while (size > 0) {
    ssize_t written = write(fd, from, size);
    if (written <= 0) return 0;
    from += written;
    size -= (uint32_t)written;
  }
  return 1;
}

static void serve(int32_t fd) {
  static char zeros[1 << 20];
  char line[256];
  uint32_t size = 0;
  do {
    int64_t got = receive(fd, line + size, (uint32_t)sizeof line - 1 - size);
    if (got <= 0) return;
    size += (uint32_t)got;
    line[size] = 0;
  } while (!strchr(line, '\n') && size < sizeof line - 1);
  if (strncmp(line, "flood ", 6) != 0) {
    transmit(fd, line, size);
    return;
  }
  for (int left = atoi(line + 6); left > 0; --left)
    if (!transmit(fd, zeros, sizeof zeros)) return;
}

int main(int argc, char** argv) {
  by_fd = argc > 1 && strcmp(argv[1], "fd") == 0;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (;;) {
    SocketAddress peer;
    int32_t accepted = -1;
    if ((error = wasix_sock_accept(listener, 0, &accepted, &peer)) != 0) {
      fprintf(stderr, "accept: errno %d\n", (int)error);
      return 12;
    }
    serve(accepted);
    close(accepted);
  }
}

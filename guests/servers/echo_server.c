// A TCP server that is no HTTP: what it reads it writes back, on any number of connections at once. It listens on PORT and on the
// ports of its arguments, or, built for preview 1, on the listener that it was given. A read that begins with one of these words does something else: "port" answers the port it came in by,
// "hush" answers nothing, "late" answers after half a second, "bye" closes, "exit N" leaves with N.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sockets.h"

enum { kListeners = 4, kMost = 64, kRead = 64 * 1024 };

static struct pollfd watched[kMost];
static int came_in_by[kMost];
static nfds_t count = 0;

static void watch(int32_t fd, int port) {
  if (count == kMost) {
    close(fd);
    return;
  }
  watched[count].fd = fd;
  watched[count].events = POLLIN;
  came_in_by[count++] = port;
}

static int is(const char* text, int64_t size, const char* word) {
  return size >= (int64_t)strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

// False once the connection is over.
static int answer(int32_t fd, int port) {
  static char bytes[kRead + 1];
  int64_t size = socket_read(fd, bytes, kRead);
  if (size <= 0 || is(bytes, size, "bye")) return 0;
  bytes[size] = 0;
  if (is(bytes, size, "hush")) return 1;
  if (is(bytes, size, "exit ")) exit(atoi(bytes + 5));
  if (is(bytes, size, "late")) usleep(500 * 1000);
  if (is(bytes, size, "port")) size = snprintf(bytes, kRead, "%d\n", port);
  return socket_write(fd, bytes, (uint32_t)size);
}

static int open_ports(int argc, char** argv) {
  const char* own = getenv("PORT");
  for (int i = 0; i < argc && i < kListeners; ++i) {
    int port = atoi(i > 0 ? argv[i] : own ? own : "7000");
    int32_t error = 0, listener = open_listener((uint16_t)port, &error);
    if (listener < 0) {
      fprintf(stderr, "cannot listen on %d: errno %d\n", port, error);
      return 0;
    }
    watch(listener, port);
  }
  return 1;
}

int main(int argc, char** argv) {
  if (!open_ports(argc, argv)) return 11;
  nfds_t listeners = count;
  fprintf(stderr, "echoing on %d\n", came_in_by[0]);
  for (;;) {
    if (poll(watched, count, -1) < 0) return 12;
    for (nfds_t i = count; i-- > listeners;) {
      if (watched[i].revents == 0 || answer(watched[i].fd, came_in_by[i])) continue;
      close(watched[i].fd);
      watched[i] = watched[--count];
      came_in_by[i] = came_in_by[count];
    }
    for (nfds_t i = 0; i < listeners; ++i) {
      if (watched[i].revents == 0) continue;
      int32_t accepted = accept_from(watched[i].fd);
      if (accepted < 0) return 0;
      watch(accepted, came_in_by[i]);
    }
  }
}

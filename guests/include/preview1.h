// The sockets of WASI preview 1: a listener that is there from the start, and what it accepts.
#pragma once

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <wasi/api.h>

// The first descriptor that is a socket; -1 if there is none. It lies behind the preopened directories.
static inline int32_t given_listener(void) {
  __wasi_fdstat_t stat;
  for (int32_t fd = 3; __wasi_fd_fdstat_get(fd, &stat) == 0; ++fd)
    if (stat.fs_filetype == __WASI_FILETYPE_SOCKET_STREAM) return fd;
  return -1;
}

// Bytes read, 0 at the end, -1 on an error.
static inline int64_t socket_read(int32_t fd, void* to, uint32_t most) { return recv(fd, to, most, 0); }

// All of it, or false.
static inline int socket_write(int32_t fd, const char* from, uint32_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, from, size, 0);
    if (sent < 0) return 0;
    from += sent;
    size -= (uint32_t)sent;
  }
  return 1;
}

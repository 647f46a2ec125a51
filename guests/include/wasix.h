// The sockets of WASIX, as its ABI has them (module wasix_32v1), for guests built without the WASIX C library.
//
// Every call returns a WASI errno, 0 for success. Ports are native-endian on their way to the host.
#pragma once

#include <stdint.h>
#include <string.h>

#define WASIX_IMPORT(name) __attribute__((import_module("wasix_32v1"), import_name(#name)))

enum { kInet4 = 1, kStream = 1, kTcp = 6, kReuseAddress = 2, kNoDelay = 3 };

typedef struct {
  uint8_t family;
  uint8_t unused;
  uint16_t port;
  uint8_t address[16];
} SocketAddress;

typedef struct {
  uint8_t family;
  uint8_t unused;
  uint8_t address[16];
} HostAddress;

typedef struct {
  const void* at;
  uint32_t size;
} Piece;

int32_t wasix_sock_open(int32_t family, int32_t type, int32_t protocol, int32_t* fd) WASIX_IMPORT(sock_open);
int32_t wasix_sock_bind(int32_t fd, const SocketAddress* address) WASIX_IMPORT(sock_bind);
int32_t wasix_sock_listen(int32_t fd, int32_t backlog) WASIX_IMPORT(sock_listen);
int32_t wasix_sock_accept(int32_t fd, int32_t flags, int32_t* accepted, SocketAddress* peer) WASIX_IMPORT(sock_accept_v2);
int32_t wasix_sock_connect(int32_t fd, const SocketAddress* address) WASIX_IMPORT(sock_connect);
int32_t wasix_sock_recv(int32_t fd, const Piece* pieces, int32_t count, int32_t flags, uint32_t* size, uint16_t* out_flags)
    WASIX_IMPORT(sock_recv);
int32_t wasix_sock_send(int32_t fd, const Piece* pieces, int32_t count, int32_t flags, uint32_t* size) WASIX_IMPORT(sock_send);
int32_t wasix_sock_set_flag(int32_t fd, int32_t option, int32_t value) WASIX_IMPORT(sock_set_opt_flag);
int32_t wasix_resolve(const char* host, int32_t size, int32_t port, HostAddress* found, int32_t most, uint32_t* count)
    WASIX_IMPORT(resolve);

// Bytes read, 0 at the end, -1 on an error.
static inline int64_t socket_read(int32_t fd, void* to, uint32_t most) {
  Piece piece = {to, most};
  uint32_t size = 0;
  uint16_t flags = 0;
  return wasix_sock_recv(fd, &piece, 1, 0, &size, &flags) == 0 ? (int64_t)size : -1;
}

// All of it, or false.
static inline int socket_write(int32_t fd, const char* from, uint32_t size) {
  while (size > 0) {
    Piece piece = {from, size};
    uint32_t sent = 0;
    if (wasix_sock_send(fd, &piece, 1, 0, &sent) != 0) return 0;
    from += sent;
    size -= sent;
  }
  return 1;
}

// A listening socket on all addresses; -1 and the errno in `error` if there is none to be had.
static inline int32_t listen_on(uint16_t port, int32_t* error) {
  int32_t fd = -1;
  SocketAddress any = {.family = kInet4, .port = port};
  if ((*error = wasix_sock_open(kInet4, kStream, kTcp, &fd)) != 0) return -1;
  wasix_sock_set_flag(fd, kReuseAddress, 1);
  if ((*error = wasix_sock_bind(fd, &any)) != 0) return -1;
  if ((*error = wasix_sock_listen(fd, 128)) != 0) return -1;
  return fd;
}

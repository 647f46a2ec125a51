// A server's sockets, whichever engine it is for: those of WASIX, or with PREVIEW1_SOCKETS the listener that it was given.
#pragma once

#ifdef PREVIEW1_SOCKETS
#include "preview1.h"
#else
#include "wasix.h"
#endif

// What listens on the port; -1, and the errno in `error`, if nothing does.
static inline int32_t open_listener(uint16_t port, int32_t* error) {
#ifdef PREVIEW1_SOCKETS
  (void)port;
  *error = 0;
  return given_listener();
#else
  return listen_on(port, error);
#endif
}

// The next connection, or -1.
static inline int32_t accept_from(int32_t listener) {
#ifdef PREVIEW1_SOCKETS
  return accept(listener, NULL, NULL);
#else
  SocketAddress peer;
  int32_t accepted = -1;
  return wasix_sock_accept(listener, 0, &accepted, &peer) == 0 ? accepted : -1;
#endif
}

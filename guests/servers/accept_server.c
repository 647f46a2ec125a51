// An HTTP server on the listener it was given (WASI preview 1: sock_accept, poll_oneoff), or without PREVIEW1_SOCKETS on one that
// it opens at PORT (WASIX), that counts its requests: {"count":1}, {"count":2}, … Up to 32 connections at once, kept open.
// /health is not counted, /echo answers the body, /env/NAME a variable, /slow/MS answers late and holds up the others, /exit/N
// leaves with N, /trap traps, /loop computes for ever, /fill allocates until it is refused. It leaves with 0 when its listener is
// closed.
#include <poll.h>
#include <unistd.h>

#include "http.h"

enum { kMostConnections = 32 };

static HttpConnection connections[kMostConnections];
static long counted = 0;

static int write_count(char* text, size_t room, const char* name, size_t count) {
  return snprintf(text, room, "{\"%s\":%zu}\n", name, count);
}

static size_t fill_memory(void) {
  size_t mebibytes = 0;
  for (char* block = malloc(1 << 20); block; block = malloc(1 << 20), ++mebibytes) memset(block, 1, 1 << 20);
  return mebibytes;
}

static int answer(HttpConnection* connection, const HttpMessage* message) {
  static const char* const kJson = "Content-Type: application/json\r\n";
  char text[1200];
  int size = 0;
  if (strcmp(message->path, "/health") == 0) {
    size = snprintf(text, sizeof text, "{\"status\":\"healthy\"}\n");
  } else if (strcmp(message->path, "/echo") == 0) {
    return http_answer(connection, 200, kJson, message->body, message->body_size);
  } else if (strncmp(message->path, "/env/", 5) == 0) {
    const char* value = getenv(message->path + 5);
    size = snprintf(text, sizeof text, "%s", value ? value : "");
  } else if (strncmp(message->path, "/exit/", 6) == 0) {
    exit(atoi(message->path + 6));
  } else if (strcmp(message->path, "/trap") == 0) {
    __builtin_trap();
  } else if (strcmp(message->path, "/loop") == 0) {
    for (volatile unsigned rounds = 0;; ++rounds) continue;
  } else if (strcmp(message->path, "/fill") == 0) {
    size = write_count(text, sizeof text, "mebibytes", fill_memory());
  } else {
    if (strncmp(message->path, "/slow/", 6) == 0) usleep((useconds_t)atoi(message->path + 6) * 1000);
    size = write_count(text, sizeof text, "count", (size_t)++counted);
  }
  return http_answer(connection, 200, kJson, text, (size_t)size);
}

// False when the connection has ended.
static int serve(HttpConnection* connection) {
  HttpMessage message;
  int next = http_fill(connection) ? 0 : -1;
  while (next == 0 && (next = http_next(connection, &message)) == 1) next = answer(connection, &message) ? 0 : -1;
  return next == 0;
}

#ifdef PREVIEW1_SOCKETS
static int32_t find_listener(void) { return given_listener(); }
static int32_t accept_from(int32_t listener) { return accept(listener, NULL, NULL); }
#else
static int32_t find_listener(void) {
  int32_t error = 0;
  return listen_on(port_to_serve(), &error);
}
static int32_t accept_from(int32_t listener) {
  int32_t accepted = -1;
  SocketAddress peer;
  if (wasix_sock_accept(listener, 0, &accepted, &peer) != 0) return -1;
  wasix_sock_set_flag(accepted, kNoDelay, 1);  // head and body are two writes
  return accepted;
}
#endif

static void accept_one(int32_t listener) {
  for (int i = 0; i < kMostConnections; ++i) {
    if (connections[i].fd >= 0) continue;
    connections[i] = (HttpConnection){.fd = accept_from(listener)};
    if (connections[i].fd < 0) exit(0);
    return;
  }
}

int main(void) {
  int32_t listener = find_listener();
  if (listener < 0) {
    fprintf(stderr, "there is no listener\n");
    return 11;
  }
  fprintf(stderr, "accepting on descriptor %d\n", listener);
  for (int i = 0; i < kMostConnections; ++i) connections[i].fd = -1;
  for (;;) {
    struct pollfd watched[kMostConnections + 1] = {{.fd = listener, .events = POLLIN}};
    for (int i = 0; i < kMostConnections; ++i) watched[i + 1] = (struct pollfd){.fd = connections[i].fd, .events = POLLIN};
    if (poll(watched, kMostConnections + 1, -1) < 0) return 12;
    for (int i = 0; i < kMostConnections; ++i) {
      if (watched[i + 1].revents == 0 || serve(&connections[i])) continue;
      close(connections[i].fd);
      connections[i].fd = -1;
    }
    if (watched[0].revents != 0) accept_one(listener);
  }
}

// An HTTP server of one thread that waits by WASIX's epoll, with up to 32 connections at once, kept open. /meet/N answers when N
// such requests are there, which one at a time never are; the rest answers {"connections":n}, how many are open.
//
// Wasmer's epoll tells each arrival once, as Linux does with EPOLLET: so nothing blocks, and what is told is read until there is no
// more. (A call that blocks would besides take the descriptor out of the set.)
#include <wasi/api.h>

#include "http.h"

enum { kAdd = 0, kDelete = 2, kReadable = 1, kMostConnections = 32, kListener = kMostConnections, kAgain = 6, kNonBlocking = 4 };

typedef struct {
  uint32_t events, padding, pointer, fd, data1, more_padding;
  uint64_t data2;
} Interest;

int32_t wasix_epoll_create(int32_t* fd) WASIX_IMPORT(epoll_create);
int32_t wasix_epoll_ctl(int32_t epoll, int32_t operation, int32_t fd, const Interest* interest) WASIX_IMPORT(epoll_ctl);
int32_t wasix_epoll_wait(int32_t epoll, Interest* ready, int32_t most, uint64_t timeout_ns, uint32_t* count) WASIX_IMPORT(epoll_wait);

static HttpConnection connections[kMostConnections];
static int meets[kMostConnections];  // whether it waits for the others
static int32_t epoll;

static int watch(int32_t fd, uint32_t place) {
  if (__wasi_fd_fdstat_set_flags(fd, kNonBlocking) != 0) return 0;
  Interest interest = {.events = kReadable, .fd = (uint32_t)fd, .data1 = place};
  return wasix_epoll_ctl(epoll, kAdd, fd, &interest) == 0;
}

static void end(int i) {
  Interest none = {0};
  wasix_epoll_ctl(epoll, kDelete, connections[i].fd, &none);
  close(connections[i].fd);
  connections[i].fd = -1;
  meets[i] = 0;
}

static int count(const int* all, int least) {
  int found = 0;
  for (int i = 0; i < kMostConnections; ++i) found += all ? all[i] >= least : connections[i].fd >= 0;
  return found;
}

static int answer_number(HttpConnection* connection, const char* name, int number) {
  char text[64];
  int size = snprintf(text, sizeof text, "{\"%s\":%d}\n", name, number);
  return http_answer(connection, 200, "", text, (size_t)size);
}

static int answer(int i, const HttpMessage* message) {
  if (strncmp(message->path, "/meet/", 6) != 0) return answer_number(&connections[i], "connections", count(NULL, 0));
  int wanted = atoi(message->path + 6);
  meets[i] = 1;
  if (count(meets, 1) < wanted) return 1;
  int all_well = 1;
  for (int j = 0; j < kMostConnections; ++j) {
    if (!meets[j]) continue;
    meets[j] = 0;
    all_well = answer_number(&connections[j], "met", wanted) && (all_well || j != i);
  }
  return all_well;
}

// Reads once: 1, 0 if there is nothing more, -1 at the end.
static int fill(HttpConnection* connection) {
  Piece piece = {connection->buffer + connection->size, (uint32_t)(kRequestBuffer - connection->size)};
  uint32_t size = 0;
  uint16_t flags = 0;
  int32_t error = wasix_sock_recv(connection->fd, &piece, 1, 0, &size, &flags);
  if (error == kAgain) return 0;
  if (error != 0 || size == 0) return -1;
  connection->size += size;
  return 1;
}

// False when the connection has ended.
static int serve(int i) {
  HttpMessage message;
  int filled = 1;
  while ((filled = fill(&connections[i])) == 1) {
    int next = 0;
    while ((next = http_next(&connections[i], &message)) == 1)
      if (!answer(i, &message)) return 0;
    if (next < 0) return 0;
  }
  return filled == 0;
}

static void accept_all(int32_t listener) {
  for (;;) {
    SocketAddress peer;
    int32_t accepted = -1, i = 0;
    if (wasix_sock_accept(listener, 0, &accepted, &peer) != 0) return;
    while (i < kMostConnections && connections[i].fd >= 0) ++i;
    if (i == kMostConnections || !watch(accepted, (uint32_t)i)) {
      close(accepted);
      continue;
    }
    connections[i].fd = accepted;
    connections[i].size = connections[i].used = 0;
  }
}

int main(void) {
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (int i = 0; i < kMostConnections; ++i) connections[i].fd = -1;
  if (wasix_epoll_create(&epoll) != 0 || !watch(listener, kListener)) return 13;
  for (;;) {
    Interest ready[8];
    uint32_t found = 0;
    if (wasix_epoll_wait(epoll, ready, 8, UINT64_MAX, &found) != 0) return 14;
    for (uint32_t i = 0; i < found; ++i) {
      uint32_t place = ready[i].data1;
      if (place == kListener) {
        accept_all(listener);
      } else if (connections[place].fd >= 0 && !serve((int)place)) {
        end((int)place);
      }
    }
  }
}

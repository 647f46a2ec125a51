// A WebSocket server: after the handshake of RFC 6455 it sends every frame back as it came, of whatever size, and answers pings.
// The path /no is refused with 403; a request without an Upgrade is answered with the number of open WebSockets. Some texts do
// something else: "close" ends by 1001 and closes, "hush" answers nothing, "drop" closes without a word, "exit N" leaves with N.
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "sockets.h"
#include "websocket.h"

enum { kMost = 32, kBuffer = 16 * 1024, kShort = 125 };
enum { kText = 1, kClose = 8, kPing = 9, kPong = 10 };

typedef struct {
  int32_t fd;
  int open;  // after the handshake
  size_t size;
  uint64_t left;  // of a long frame's payload
  uint32_t at;    // in its mask
  uint8_t mask[4];
  char buffer[kBuffer + 1];
} Peer;

static Peer peers[kMost];

static void take(Peer* peer, size_t bytes) {
  peer->size -= bytes;
  memmove(peer->buffer, peer->buffer + bytes, peer->size);
}

static const char* find_field(const char* head, const char* name) {
  for (const char* line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
    if (strncasecmp(line + 2, name, strlen(name)) == 0) return line + 2 + strlen(name);
  return NULL;
}

static int answer(Peer* peer, const char* status, const char* more, const char* body) {
  char text[512];
  int size = snprintf(text, sizeof text, "HTTP/1.1 %s\r\n%s\r\n%s", status, more, body);
  return socket_write(peer->fd, text, (uint32_t)size);
}

static int count_open(void) {
  int open = 0;
  for (int i = 0; i < kMost; ++i) open += peers[i].fd >= 0 && peers[i].open;
  return open;
}

// 1 when it was answered, 0 when it is not complete, -1 when the connection is to end.
static int shake_hands(Peer* peer) {
  peer->buffer[peer->size] = 0;
  char* end = strstr(peer->buffer, "\r\n\r\n");
  if (!end) return peer->size == kBuffer ? -1 : 0;
  end[2] = 0;
  char more[256], body[32] = "no";
  const char* key = find_field(peer->buffer, "sec-websocket-key: ");
  int refused = strncmp(peer->buffer, "GET /no ", 8) == 0, sent = 0;
  if (key && !refused) {
    char accept[kAcceptText];
    websocket_accept(key, strcspn(key, "\r"), accept);
    snprintf(more, sizeof more, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n", accept);
    sent = answer(peer, "101 Switching Protocols", more, "");
    peer->open = 1;
  } else {
    if (!refused) snprintf(body, sizeof body, "%d", count_open());
    snprintf(more, sizeof more, "Content-Length: %zu\r\n", strlen(body));
    sent = answer(peer, refused ? "403 Forbidden" : "200 OK", more, body);
  }
  take(peer, (size_t)(end + 4 - peer->buffer));
  return sent ? 1 : -1;
}

static int send_head(Peer* peer, uint8_t first, uint64_t length) {
  uint8_t head[10] = {first, (uint8_t)length};
  uint32_t size = 2;
  if (length > kShort) {
    int bytes = length < 65536 ? 2 : 8;
    head[1] = bytes == 2 ? 126 : 127;
    for (int i = 0; i < bytes; ++i) head[size++] = (uint8_t)(length >> (8 * (bytes - 1 - i)));
  }
  return socket_write(peer->fd, (const char*)head, size);
}

static int answer_short(Peer* peer, uint8_t first, const char* payload, size_t size) {
  char text[kShort + 1] = {0};
  memcpy(text, payload, size);
  int opcode = first & 15;
  if (opcode == kPong) return 1;
  if (opcode == kText && strcmp(text, "hush") == 0) return 1;
  if (opcode == kText && strcmp(text, "drop") == 0) return -1;
  if (opcode == kText && strncmp(text, "exit ", 5) == 0) exit(atoi(text + 5));
  if (opcode == kText && strcmp(text, "close") == 0) {
    socket_write(peer->fd, "\x88\x02\x03\xe9", 4);
    return -1;
  }
  if (opcode == kPing) first = 0x80 | kPong;
  if (!send_head(peer, first, size) || !socket_write(peer->fd, text, (uint32_t)size)) return -1;
  return opcode == kClose ? -1 : 1;
}

static void unmask(Peer* peer, char* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) bytes[i] ^= (char)peer->mask[peer->at++ & 3];
}

// Of a long frame, whatever is there.
static int pass_on(Peer* peer) {
  size_t size = peer->size < peer->left ? peer->size : (size_t)peer->left;
  if (size == 0) return 0;
  unmask(peer, peer->buffer, size);
  if (!socket_write(peer->fd, peer->buffer, (uint32_t)size)) return -1;
  peer->left -= size;
  take(peer, size);
  return 1;
}

static int answer_frame(Peer* peer) {
  if (peer->left > 0) return pass_on(peer);
  const uint8_t* bytes = (const uint8_t*)peer->buffer;
  if (peer->size < 2) return 0;
  uint8_t first = bytes[0];
  uint64_t length = bytes[1] & 127;
  size_t more = length == 126 ? 2 : length == 127 ? 8 : 0, head = 2 + more + 4;
  if (!(bytes[1] & 128)) return -1;  // a client masks
  if (peer->size < head) return 0;
  if (more) length = 0;
  for (size_t i = 0; i < more; ++i) length = length << 8 | bytes[2 + i];
  memcpy(peer->mask, bytes + head - 4, 4);
  peer->at = 0;
  if (length <= kShort) {
    if (peer->size < head + length) return 0;
    char payload[kShort];
    memcpy(payload, peer->buffer + head, (size_t)length);
    unmask(peer, payload, (size_t)length);
    take(peer, head + (size_t)length);
    return answer_short(peer, first, payload, (size_t)length);
  }
  take(peer, head);
  peer->left = length;
  return send_head(peer, first, length) ? 1 : -1;
}

// False once the connection is over.
static int serve(Peer* peer) {
  int64_t got = socket_read(peer->fd, peer->buffer + peer->size, (uint32_t)(kBuffer - peer->size));
  if (got <= 0) return 0;
  peer->size += (size_t)got;
  int done = 1;
  while (done > 0) done = peer->open ? answer_frame(peer) : shake_hands(peer);
  return done == 0;
}

static void take_in(int32_t listener) {
  int32_t fd = accept_from(listener);
  if (fd < 0) exit(0);
  for (int i = 0; i < kMost; ++i) {
    if (peers[i].fd >= 0) continue;
    peers[i] = (Peer){.fd = fd};
    return;
  }
  close(fd);
}

int main(void) {
  const char* port = getenv("PORT");
  int32_t error = 0, listener = open_listener((uint16_t)atoi(port ? port : "8080"), &error);
  if (listener < 0) {
    fprintf(stderr, "cannot listen: errno %d\n", error);
    return 11;
  }
  for (int i = 0; i < kMost; ++i) peers[i].fd = -1;
  for (;;) {
    struct pollfd watched[kMost + 1] = {{.fd = listener, .events = POLLIN}};
    Peer* whose[kMost + 1] = {0};
    nfds_t count = 1;
    for (int i = 0; i < kMost; ++i) {
      if (peers[i].fd < 0) continue;
      watched[count] = (struct pollfd){.fd = peers[i].fd, .events = POLLIN};
      whose[count++] = &peers[i];
    }
    if (poll(watched, count, -1) < 0) return 12;
    for (nfds_t i = 1; i < count; ++i) {
      if (watched[i].revents == 0 || serve(whose[i])) continue;
      close(whose[i]->fd);
      whose[i]->fd = -1;
    }
    if (watched[0].revents != 0) take_in(listener);
  }
}

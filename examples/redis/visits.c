// A page whose visits are counted in Redis, which it reaches over a socket (WASIX): GET /NAME answers how often NAME was asked for.
// The connection to REDIS (A.B.C.D:PORT) is kept, and opened anew after it broke.
#include <stdio.h>

#include "http.h"

static int32_t redis = -1;

static int32_t open_redis(void) {
  unsigned a, b, c, d, port;
  const char* place = getenv("REDIS");
  if (!place || sscanf(place, "%u.%u.%u.%u:%u", &a, &b, &c, &d, &port) != 5) return 28;  // EINVAL
  SocketAddress peer = {.family = kInet4, .port = (uint16_t)port, .address = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
  int32_t error = wasix_sock_open(kInet4, kStream, kTcp, &redis);
  return error != 0 ? error : wasix_sock_connect(redis, &peer);
}

// What INCR answers, such as `:7`, or `-ERR …`; false if the connection broke.
static int increment(const char* key, char* line, uint32_t most) {
  char command[1200];
  int length = snprintf(command, sizeof command, "*2\r\n$4\r\nINCR\r\n$%zu\r\n%s\r\n", strlen(key), key);
  if (!socket_write(redis, command, (uint32_t)length)) return 0;
  uint32_t size = 0;
  while (size < 2 || memcmp(line + size - 2, "\r\n", 2) != 0) {
    int64_t got = size + 1 < most ? socket_read(redis, line + size, most - size - 1) : 0;
    if (got <= 0) return 0;
    size += (uint32_t)got;
  }
  line[size - 2] = 0;
  return 1;
}

static void answer(HttpConnection* connection, const HttpMessage* message) {
  char line[256], text[1400];
  int32_t error = redis >= 0 ? 0 : open_redis();
  int is_answered = error == 0 && increment(message->path + 1, line, sizeof line);
  if (!is_answered && redis >= 0) {
    close(redis);
    redis = -1;
  }
  int is_counted = is_answered && line[0] == ':';
  int size = is_counted ? snprintf(text, sizeof text, "%s: %s visits\n", message->path, line + 1)
                        : snprintf(text, sizeof text, "redis: %s, errno %d\n", is_answered ? line : "no answer", (int)error);
  http_answer(connection, is_counted ? 200 : 502, "Connection: close\r\n", text, (size_t)size);
}

int main(void) {
  static HttpConnection connection;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 1;
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 2;
    if (http_read(&connection, &message)) answer(&connection, &message);
    close(connection.fd);
  }
}

// A web front of a Redis server, REDIS=A.B.C.D:PORT, over one connection that it keeps and opens again when it broke:
// GET /get/KEY, POST /set/KEY with the value as the body, POST /incr/KEY. 200 with the value; 404 if there is none; 502 with
// Redis's words, or the errno, when it went wrong. A request is sent to Redis twice at most, when a kept connection turns out dead.
#include "http.h"

enum { kMostValue = 32 * 1024 };

static int32_t redis = -1;
static char reply[kMostValue + 1];
static size_t reply_size, reply_used;

static int32_t open_redis(void) {
  const char* place = getenv("REDIS");
  unsigned a, b, c, d, port;
  if (!place || sscanf(place, "%u.%u.%u.%u:%u", &a, &b, &c, &d, &port) != 5) return 28;  // EINVAL
  SocketAddress peer = {.family = kInet4, .port = (uint16_t)port, .address = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
  int32_t error = wasix_sock_open(kInet4, kStream, kTcp, &redis);
  if (error == 0) error = wasix_sock_connect(redis, &peer);
  if (error != 0 && redis >= 0) close(redis);
  if (error != 0) redis = -1;
  return error;
}

static void close_redis(void) {
  if (redis >= 0) close(redis);
  redis = -1;
}

static int send_word(const char* word, size_t size) {
  char head[32];
  int length = snprintf(head, sizeof head, "$%zu\r\n", size);
  return socket_write(redis, head, (uint32_t)length) && socket_write(redis, word, (uint32_t)size) && socket_write(redis, "\r\n", 2);
}

static int fill_reply(void) {
  if (reply_size == kMostValue) return 0;
  int64_t got = socket_read(redis, reply + reply_size, (uint32_t)(kMostValue - reply_size));
  if (got <= 0) return 0;
  reply_size += (size_t)got;
  reply[reply_size] = 0;
  return 1;
}

// A line without its end; NULL when the connection broke.
static char* read_line(void) {
  char* end;
  while (!(end = strstr(reply + reply_used, "\r\n")))
    if (!fill_reply()) return NULL;
  char* line = reply + reply_used;
  *end = 0;
  reply_used = (size_t)(end - reply) + 2;
  return line;
}

typedef struct {
  int status;  // 0: the connection broke
  const char* text;
  size_t size;
} Reply;

static Reply read_reply(void) {
  reply_size = reply_used = 0;
  reply[0] = 0;
  char* line = read_line();
  if (!line) return (Reply){.status = 0};
  if (line[0] == '+' || line[0] == ':') return (Reply){200, line + 1, strlen(line + 1)};
  if (line[0] == '-') return (Reply){502, line + 1, strlen(line + 1)};
  long size = atol(line + 1);
  if (size < 0) return (Reply){404, "", 0};
  while (reply_size < reply_used + (size_t)size + 2)
    if (!fill_reply()) return (Reply){.status = 0};
  return (Reply){200, reply + reply_used, (size_t)size};
}

static Reply ask_once(const char* command, const char* key, const HttpMessage* value) {
  char head[16];
  int length = snprintf(head, sizeof head, "*%d\r\n", value ? 3 : 2);
  int is_sent = socket_write(redis, head, (uint32_t)length) && send_word(command, strlen(command)) && send_word(key, strlen(key)) &&
                (!value || send_word(value->body, value->body_size));
  Reply answer = is_sent ? read_reply() : (Reply){.status = 0};
  if (answer.status == 0) close_redis();
  return answer;
}

static Reply ask(const char* command, const char* key, const HttpMessage* value) {
  static char text[64];
  for (int attempt = 0; attempt < 2; ++attempt) {
    int is_kept = redis >= 0;
    int32_t error = is_kept ? 0 : open_redis();
    if (error != 0) return (Reply){502, text, (size_t)snprintf(text, sizeof text, "connect: errno %d", (int)error)};
    Reply answer = ask_once(command, key, value);
    if (answer.status != 0 || !is_kept) return answer;
  }
  return (Reply){.status = 0};
}

static void serve(HttpConnection* connection, const HttpMessage* message) {
  Reply answer = {404, "", 0};
  if (strncmp(message->path, "/get/", 5) == 0) answer = ask("GET", message->path + 5, NULL);
  if (strncmp(message->path, "/incr/", 6) == 0) answer = ask("INCR", message->path + 6, NULL);
  if (strncmp(message->path, "/set/", 5) == 0) answer = ask("SET", message->path + 5, message);
  if (answer.status == 0) answer = (Reply){502, "the connection broke", 20};
  http_answer(connection, answer.status, "Connection: close\r\n", answer.text, answer.size);
}

int main(void) {
  static HttpConnection connection;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 12;
    if (http_read(&connection, &message)) serve(&connection, &message);
    close(connection.fd);
  }
}

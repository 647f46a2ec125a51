// An HTTP server on WASIX sockets that counts its requests: {"count":1}, {"count":2}, … One connection at a time, closed
// after each answer. /health is not counted, /echo answers the body, /env/NAME a variable, /exit/N leaves with N, /trap traps,
// /hang never answers, /loop computes for ever, /fill allocates until it is refused.
#include "http.h"

static long counted = 0;

static void fill_memory(HttpConnection* connection) {
  size_t mebibytes = 0;
  for (char* block = malloc(1 << 20); block; block = malloc(1 << 20), ++mebibytes) memset(block, 1, 1 << 20);
  char text[64];
  int size = snprintf(text, sizeof text, "{\"mebibytes\":%zu}\n", mebibytes);
  http_answer(connection, 200, "Connection: close\r\n", text, (size_t)size);
}

static void serve(HttpConnection* connection, const HttpMessage* message) {
  static const char* const kClose = "Content-Type: application/json\r\nConnection: close\r\n";
  char text[1200];
  int size = 0;
  if (strcmp(message->path, "/health") == 0) {
    size = snprintf(text, sizeof text, "{\"status\":\"healthy\"}\n");
  } else if (strcmp(message->path, "/echo") == 0) {
    http_answer(connection, 200, kClose, message->body, message->body_size);
    return;
  } else if (strncmp(message->path, "/env/", 5) == 0) {
    const char* value = getenv(message->path + 5);
    size = snprintf(text, sizeof text, "%s", value ? value : "");
  } else if (strncmp(message->path, "/exit/", 6) == 0) {
    exit(atoi(message->path + 6));
  } else if (strcmp(message->path, "/trap") == 0) {
    __builtin_trap();
  } else if (strcmp(message->path, "/hang") == 0) {
    for (;;) sleep(1);
  } else if (strcmp(message->path, "/loop") == 0) {
    for (volatile unsigned rounds = 0;; ++rounds) continue;
  } else if (strcmp(message->path, "/fill") == 0) {
    fill_memory(connection);
    return;
  } else {
    size = snprintf(text, sizeof text, "{\"count\":%ld}\n", ++counted);
  }
  http_answer(connection, 200, kClose, text, (size_t)size);
}

int main(void) {
  static HttpConnection connection;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) {
    fprintf(stderr, "cannot listen: errno %d\n", error);
    return 11;
  }
  fprintf(stderr, "counting on %d\n", port_to_serve());
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 12;
    if (http_read(&connection, &message)) serve(&connection, &message);
    close(connection.fd);
  }
}

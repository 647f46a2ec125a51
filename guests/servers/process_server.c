// An HTTP server on WASIX sockets that does what interceptors ask an app to do: POST /process answers {"count":N,"direction":D,
// "payload":BODY}, where D is the Fiso-Direction of the request, or null, with X-Processed: yes. A body that begins with "refuse" is
// answered 422. /health is not counted; /exit leaves with 0.
#define _GNU_SOURCE  // strcasestr
#include "http.h"

static long counted = 0;

static void process(HttpConnection* connection, const HttpMessage* message, const char* direction) {
  static char text[1 << 16];
  int refused = message->body_size >= 8 && memcmp(message->body, "\"refuse\"", 8) == 0;
  int size = refused ? snprintf(text, sizeof text, "not that")
                     : snprintf(text, sizeof text, "{\"count\":%ld,\"direction\":%s,\"payload\":%.*s}", ++counted, direction,
                                (int)message->body_size, message->body_size ? message->body : "null");
  http_answer(connection, refused ? 422 : 200, "Content-Type: application/json\r\nX-Processed: yes\r\nConnection: close\r\n", text, (size_t)size);
}

static const char* direction_in(const HttpConnection* connection) {
  if (strcasestr(connection->buffer, "\r\nFiso-Direction: outbound")) return "\"outbound\"";
  return strcasestr(connection->buffer, "\r\nFiso-Direction: inbound") ? "\"inbound\"" : "null";
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
    if (http_read(&connection, &message)) {
      const char* direction = direction_in(&connection);
      if (strcmp(message.path, "/exit") == 0) exit(0);
      if (strcmp(message.path, "/process") == 0)
        process(&connection, &message, direction);
      else
        http_answer(&connection, strcmp(message.path, "/health") == 0 ? 200 : 404, "Connection: close\r\n", "", 0);
    }
    close(connection.fd);
  }
}

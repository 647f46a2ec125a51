// An HTTP server on PORT, or with PREVIEW1_SOCKETS on the listener that it is given, that serves one connection until that is closed
// and only then accepts the next. It answers how many requests it has answered on it, as {"count":N}.
#include "http.h"
#include "sockets.h"

int main(void) {
  static HttpConnection connection;
  int32_t error = 0, listener = open_listener(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (;;) {
    HttpMessage message;
    connection.size = connection.used = 0;
    if ((connection.fd = accept_from(listener)) < 0) return 12;
    for (int count = 1; http_read(&connection, &message); ++count) {
      char text[32];
      int size = snprintf(text, sizeof text, "{\"count\":%d}\n", count);
      http_answer(&connection, 200, "", text, (size_t)size);
    }
    close(connection.fd);
  }
}

// Counts the requests that it has answered: an HTTP server on sockets that it opens itself (WASIX).
#include <stdio.h>

#include "http.h"

int main(void) {
  static HttpConnection connection;
  long count = 0;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) {
    fprintf(stderr, "cannot listen: errno %d\n", (int)error);
    return 1;
  }
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 1;
    if (http_read(&connection, &message)) {
      char text[64];
      if (strcmp(message.path, "/health") != 0) ++count;
      int size = snprintf(text, sizeof text, "{\"count\":%ld,\"by\":\"C\"}\n", count);
      http_answer(&connection, 200, "Content-Type: application/json\r\nConnection: close\r\n", text, (size_t)size);
    }
    close(connection.fd);
  }
}

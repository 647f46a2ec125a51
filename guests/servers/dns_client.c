// Looks names up: a GET of /NAME answers {"errno":0,"addresses":["127.0.0.1"]}.
#include "http.h"

enum { kMostAddresses = 16 };

static int write_address(char* text, size_t room, const HostAddress* address) {
  const uint8_t* at = address->address;
  if (address->family == kInet4) return snprintf(text, room, "\"%d.%d.%d.%d\"", at[0], at[1], at[2], at[3]);
  int size = snprintf(text, room, "\"");
  for (int i = 0; i < 16; i += 2) size += snprintf(text + size, room - (size_t)size, "%s%x", i ? ":" : "", at[i] << 8 | at[i + 1]);
  return size + snprintf(text + size, room - (size_t)size, "\"");
}

static void look_up(HttpConnection* connection, const char* name) {
  HostAddress found[kMostAddresses];
  uint32_t count = 0;
  char text[1024];
  int32_t error = wasix_resolve(name, (int32_t)strlen(name), 0, found, kMostAddresses, &count);
  int size = snprintf(text, sizeof text, "{\"errno\":%d,\"addresses\":[", (int)error);
  for (uint32_t i = 0; error == 0 && i < count && i < kMostAddresses; ++i) {
    if (i > 0) size += snprintf(text + size, sizeof text - (size_t)size, ",");
    size += write_address(text + size, sizeof text - (size_t)size, &found[i]);
  }
  size += snprintf(text + size, sizeof text - (size_t)size, "]}\n");
  http_answer(connection, 200, "Connection: close\r\n", text, (size_t)size);
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
    if (http_read(&connection, &message)) look_up(&connection, message.path + 1);
    close(connection.fd);
  }
}

// Says whether it may connect somewhere: the errno of connecting to the address that it is told as `dial:A.B.C.D:PORT`, 0 for a
// connection. An interceptor or app finds the text anywhere in its input and answers {"payload":N,"bodyText":"N"}; given the
// argument `serve` it is a server and finds it in the path. With `resolve:NAME` it looks up a name instead.
#include "http.h"

static int32_t connect_to(const char* text) {
  unsigned part[4], port;
  if (sscanf(text, "dial:%u.%u.%u.%u:%u", &part[0], &part[1], &part[2], &part[3], &port) != 5) return -1;
  SocketAddress peer = {.family = kInet4, .port = (uint16_t)port};
  for (int i = 0; i < 4; ++i) peer.address[i] = (uint8_t)part[i];
  int32_t fd = -1;
  int32_t error = wasix_sock_open(kInet4, kStream, kTcp, &fd);
  if (error == 0) error = wasix_sock_connect(fd, &peer);
  if (fd >= 0) close(fd);
  return error;
}

static int32_t look_up(const char* text) {
  char name[256] = "";
  HostAddress found;
  uint32_t count = 0;
  if (sscanf(text, "resolve:%255[a-z0-9.-]", name) != 1) return -1;
  return wasix_resolve(name, (int32_t)strlen(name), 0, &found, 1, &count);
}

static int32_t attempt(const char* text) {
  const char* found = strstr(text, "dial:");
  if (found) return connect_to(found);
  found = strstr(text, "resolve:");
  return found ? look_up(found) : -1;
}

static int serve(void) {
  static HttpConnection connection;
  int32_t error = 0, listener = listen_on(port_to_serve(), &error);
  if (listener < 0) return 11;
  for (;;) {
    SocketAddress peer;
    HttpMessage message;
    connection.size = connection.used = 0;
    if (wasix_sock_accept(listener, 0, &connection.fd, &peer) != 0) return 12;
    if (http_read(&connection, &message)) {
      char text[16];
      int size = snprintf(text, sizeof text, "%d", (int)attempt(message.path));
      http_answer(&connection, 200, "Connection: close\r\n", text, (size_t)size);
    }
    close(connection.fd);
  }
}

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "serve") == 0) return serve();
  static char input[kRequestBuffer + 1];
  size_t size = fread(input, 1, kRequestBuffer, stdin);
  input[size] = 0;
  int32_t error = attempt(input);
  printf("{\"payload\":%d,\"bodyText\":\"%d\"}\n", (int)error, (int)error);
  return 0;
}

// Just enough HTTP/1.1 for the guests that serve it: requests up to 64 KiB, one after the other on a connection.
// Over WASIX sockets, or over those of preview 1 with PREVIEW1_SOCKETS.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#ifdef PREVIEW1_SOCKETS
#include "preview1.h"
#else
#include "wasix.h"
#endif

enum { kRequestBuffer = 64 * 1024 };

typedef struct {
  int32_t fd;
  size_t size;  // bytes in `buffer`
  size_t used;  // of them, those of the request being answered
  char buffer[kRequestBuffer + 1];
} HttpConnection;

typedef struct {
  char method[16];
  char path[1024];  // with the query
  const char* body;
  size_t body_size;
} HttpMessage;

static inline size_t http_content_length(const char* head) {
  for (const char* line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
    if (strncasecmp(line + 2, "content-length:", 15) == 0) return strtoul(line + 17, NULL, 10);
  return 0;
}

// The next request that has been read: 1; 0 if it is not complete yet, -1 if it is not this much HTTP.
static inline int http_next(HttpConnection* connection, HttpMessage* message) {
  connection->size -= connection->used;
  memmove(connection->buffer, connection->buffer + connection->used, connection->size);
  connection->used = 0;
  connection->buffer[connection->size] = 0;
  char* end = strstr(connection->buffer, "\r\n\r\n");
  if (!end) return connection->size == kRequestBuffer ? -1 : 0;
  size_t head = (size_t)(end - connection->buffer) + 4, body = http_content_length(connection->buffer);
  if (head + body > kRequestBuffer) return -1;
  if (connection->size < head + body) return 0;
  connection->used = head + body;
  message->body = end + 4;
  message->body_size = body;
  return sscanf(connection->buffer, "%15s %1023s", message->method, message->path) == 2 ? 1 : -1;
}

// Reads once; false when the connection has ended.
static inline int http_fill(HttpConnection* connection) {
  int64_t got = socket_read(connection->fd, connection->buffer + connection->size, (uint32_t)(kRequestBuffer - connection->size));
  if (got <= 0) return 0;
  connection->size += (size_t)got;
  return 1;
}

// The next request; false when the connection has ended or does not speak this much HTTP.
static inline int http_read(HttpConnection* connection, HttpMessage* message) {
  for (;;) {
    int next = http_next(connection, message);
    if (next != 0) return next > 0;
    if (!http_fill(connection)) return 0;
  }
}

// `more`: further header lines, each with its CRLF.
static inline int http_answer(HttpConnection* connection, int status, const char* more, const char* body, size_t size) {
  char head[512];
  int length = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n%s\r\n", status, status == 200 ? "OK" : "Other",
                        size, more);
  return socket_write(connection->fd, head, (uint32_t)length) && socket_write(connection->fd, body, (uint32_t)size);
}

// The environment's PORT, as every server here uses it.
static inline uint16_t port_to_serve(void) {
  const char* port = getenv("PORT");
  return (uint16_t)(port ? atoi(port) : 8080);
}

// An HTTP request and an HTTP response as values: what a server hands to its service and gets back.
//
// Both are whole messages in memory, bounded by the limits of whoever parsed them. Framing (Content-Length, Connection,
// Date, chunks) is the connection's business: services neither see nor set it.
#pragma once

#include <string>
#include <string_view>

#include "base/caller.h"
#include "base/header_list.h"

namespace fiso::net {

struct HttpRequest {
  std::string method;
  std::string target;  // the raw path as sent, then `?query` if there was one
  HeaderList headers;
  std::string body;
  std::string_view remote_address;  // ADDRESS:PORT of the client, the connection's
  bool secure = false;              // came over TLS
  Caller* caller = nullptr;         // who sent it, until it is answered; null where nobody can leave

  // The target up to the first `?`, still percent-encoded.
  std::string_view path() const;
  // What follows the first `?`; empty if there is none.
  std::string_view query() const;

  // Keeps the memory, and what is the connection's.
  void clear();
};

// Of a message whose body is gRPC's frames.
bool is_grpc(const HeaderList& headers);

struct HttpResponse {
  int status = 200;
  HeaderList headers;
  std::string body;

  void clear();
};

// text/plain, with `X-Content-Type-Options: nosniff` and a newline after `text`.
HttpResponse text_response(int status, std::string_view text);
// application/json; `json` is sent as it is, with a newline after it.
HttpResponse json_response(int status, std::string_view json);

}  // namespace fiso::net

// Bodies in chunks that are taken as they come: however the bytes arrive, the pieces are the same body, and it ends, or fails,
// all the same. The input is what follows the head.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "net/http_parser.h"
#include "net/wire.h"

namespace {

using fiso::net::HttpRequest;
using fiso::net::HttpResponse;
using fiso::net::is_field_name;
using fiso::net::is_field_value;
using fiso::net::MessageLimits;
using fiso::net::MessageParser;
using fiso::net::RequestParser;
using fiso::net::ResponseParser;
using State = MessageParser::State;

constexpr MessageLimits kLimits{.header_bytes = 4096, .header_fields = 32, .body_bytes = 4096};
constexpr std::string_view kRequest = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                           kResponse = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

struct Reading {
  std::string body;
  size_t used = 0, trailers = 0;
  State state = State::kIdle;
};

template <class Parser>
Reading read(Parser& parser, std::string_view head, std::string_view bytes, size_t step) {
  Reading out;
  FISO_CHECK(parser.feed(head) == head.size() && parser.state() == State::kBody);
  while (out.used < bytes.size() && parser.state() == State::kBody) {
    out.used += parser.feed(bytes.substr(out.used, step));
    out.body += parser.piece();
    parser.drop_piece();
  }
  out.state = parser.state();
  if (out.state == State::kComplete) out.trailers = parser.trailers().size();
  for (fiso::HeaderList::Field field : parser.trailers())
    FISO_CHECK(out.state != State::kComplete || (is_field_name(field.name) && is_field_value(field.value)), field.name);
  return out;
}

Reading read_request(std::string_view bytes, size_t step) {
  HttpRequest request;
  RequestParser parser(kLimits, request);
  parser.stream_bodies();
  return read(parser, kRequest, bytes, step);
}

Reading read_response(std::string_view bytes, size_t step) {
  HttpResponse response;
  ResponseParser parser(kLimits, response);
  parser.stream_bodies();
  parser.next(ResponseParser::Body::kByHeaders);
  return read(parser, kResponse, bytes, step);
}

void compare(const Reading& one, const Reading& other) {
  if (one.state != State::kComplete || other.state != State::kComplete) return;  // a limit may strike earlier in pieces
  FISO_CHECK(one.body == other.body && one.used == other.used && one.trailers == other.trailers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Reading whole = read_request(bytes, SIZE_MAX);
  compare(whole, read_request(bytes, 1));
  compare(whole, read_request(bytes, 7));
  compare(whole, read_response(bytes, SIZE_MAX));
  compare(read_response(bytes, 1), read_response(bytes, 5));
  return 0;
}

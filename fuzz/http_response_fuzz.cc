// Responses, whole and in pieces, with and without a body, ended by a close.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http_parser.h"
#include "net/wire.h"

namespace {

using fiso::net::HttpResponse;
using fiso::net::MessageLimits;
using fiso::net::ResponseParser;
using State = fiso::net::MessageParser::State;

constexpr MessageLimits kLimits{.header_bytes = 4096, .header_fields = 32, .body_bytes = 4096};

struct Reading {
  HttpResponse response;
  State state = State::kIdle;
};

Reading read(std::string_view bytes, size_t step, ResponseParser::Body body) {
  Reading out;
  ResponseParser parser(kLimits, out.response);
  parser.next(body);
  while (!bytes.empty() && parser.state() != State::kComplete && parser.state() != State::kFailed)
    bytes.remove_prefix(parser.feed(bytes.substr(0, step)));
  if (parser.state() != State::kFailed) parser.finish();
  out.state = parser.state();
  // What is passed on cannot change how the message around it is read.
  if (out.state == State::kComplete)
    for (fiso::HeaderList::Field field : out.response.headers)
      if (!fiso::net::is_field_name(field.name) || !fiso::net::is_field_value(field.value)) std::abort();
  if (out.state == State::kComplete && (out.response.status < 100 || out.response.status > 599)) std::abort();
  if (out.response.body.size() > kLimits.body_bytes) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes, SIZE_MAX, ResponseParser::Body::kNone);
  if (!read(bytes, SIZE_MAX, ResponseParser::Body::kDropped).response.body.empty()) std::abort();
  Reading whole = read(bytes, SIZE_MAX, ResponseParser::Body::kByHeaders),
          pieces = read(bytes, 1, ResponseParser::Body::kByHeaders);
  if (whole.state != State::kComplete || pieces.state != State::kComplete) return 0;  // a limit may strike earlier in pieces
  if (whole.response.status != pieces.response.status || whole.response.body != pieces.response.body) std::abort();
  return 0;
}

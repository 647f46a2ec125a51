// Requests, whole and in pieces: the parser neither crashes nor reads a message differently when it arrives differently.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http_parser.h"

namespace {

using fiso::net::HttpRequest;
using fiso::net::MessageLimits;
using fiso::net::RequestParser;
using State = fiso::net::MessageParser::State;

constexpr MessageLimits kLimits{.header_bytes = 4096, .header_fields = 32, .body_bytes = 4096};
constexpr int kMessages = 16;

struct Reading {
  HttpRequest request;
  State state = State::kIdle;
};

Reading read_first(std::string_view bytes, size_t step) {
  Reading out;
  RequestParser parser(kLimits, out.request);
  while (!bytes.empty() && parser.state() != State::kComplete && parser.state() != State::kFailed)
    bytes.remove_prefix(parser.feed(bytes.substr(0, step)));
  out.state = parser.state();
  return out;
}

void read_all(std::string_view bytes) {
  HttpRequest request;
  RequestParser parser(kLimits, request);
  for (int i = 0; i < kMessages && !bytes.empty(); ++i) {
    bytes.remove_prefix(parser.feed(bytes));
    if (parser.state() != State::kComplete) return;
    parser.next();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_all(bytes);
  Reading whole = read_first(bytes, SIZE_MAX), pieces = read_first(bytes, 1);
  if (whole.state != State::kComplete || pieces.state != State::kComplete) return 0;  // a limit may strike earlier in pieces
  if (whole.request.target != pieces.request.target || whole.request.body != pieces.request.body) std::abort();
  if (whole.request.headers.size() != pieces.request.headers.size()) std::abort();
  return 0;
}

#include "link/content_coding.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "base/ascii.h"

namespace fiso::link {
namespace {

constexpr size_t kStep = 64 << 10;  // bytes by which the output grows
constexpr int kZlibOrGzip = 32 + MAX_WBITS, kRawDeflate = -MAX_WBITS;

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Error not_what_it_says() { return Error(ErrorCode::kInvalidInput, "the body is not what its Content-Encoding says"); }

// The one coding; empty if there are several.
std::string_view only_coding(const HeaderList& headers) {
  std::string_view coding;
  for (HeaderList::Field field : headers) {
    if (!iequals(field.name, "content-encoding")) continue;
    if (!coding.empty()) return {};
    coding = trim(field.value);
  }
  return coding;
}

// Several gzip members one after the other are one body (RFC 1952, section 2.2).
Result<std::string> inflated(const std::string& coded, int window, size_t most) {
  z_stream stream{};
  if (inflateInit2(&stream, window) != Z_OK) return Error(ErrorCode::kInternal, "zlib");
  std::unique_ptr<z_stream, EndInflate> ends(&stream);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(coded.data()));
  stream.avail_in = static_cast<uInt>(coded.size());
  std::string text;
  for (;;) {
    size_t had = text.size(), room = std::min(kStep, most - had + 1);
    text.resize(had + room);
    stream.next_out = reinterpret_cast<Bytef*>(text.data() + had);
    stream.avail_out = static_cast<uInt>(room);
    int state = inflate(&stream, Z_NO_FLUSH);
    text.resize(text.size() - stream.avail_out);
    if (text.size() > most) return Error(ErrorCode::kRejected, "the decoded body is too large");
    if (state == Z_STREAM_END && stream.avail_in == 0) return text;
    bool another = state == Z_STREAM_END && window == kZlibOrGzip && inflateReset(&stream) == Z_OK;
    bool stuck = state != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0);
    if (!another && stuck) return not_what_it_says();
  }
}

}  // namespace

Result<> decode_content(HeaderList& headers, std::string& body, size_t most) {
  std::string_view coding = only_coding(headers);
  bool gzip = iequals(coding, "gzip") || iequals(coding, "x-gzip"), deflate = iequals(coding, "deflate");
  if (!gzip && !deflate) return {};
  if (!body.empty()) {
    auto text = inflated(body, kZlibOrGzip, most);
    // Some servers take `deflate` for the coding without zlib's head.
    bool is_raw = deflate && !text.has_value() && text.error().code() == ErrorCode::kInvalidInput;
    if (is_raw) text = inflated(body, kRawDeflate, most);
    if (!text.has_value()) return text.take_error().with_code(ErrorCode::kRejected);
    body = std::move(*text);
  }
  for (std::string_view field : {"content-encoding", "content-length"}) headers.remove(field);
  return {};
}

}  // namespace fiso::link

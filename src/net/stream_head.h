// Message heads as bytes for bodies of which only the framing is known, and the rules about fields that end at a proxy.
//
// RFC 9110 section 7.6.1. Trailers are not passed on, so neither is Trailer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/header_list.h"
#include "base/result.h"

namespace fiso::net {

// Meant for the next hop only, or about framing, which is the connection's own business. Host and Date are not among them.
bool is_hop_field(std::string_view name);

// Removes the fields that Connection names and is_hop_field() does not know.
void strip_named_hop_fields(HeaderList& headers);

// True if a comma-separated value holds `token`, whatever its case.
bool has_token(std::string_view list, std::string_view token);

enum class Framing { kNone, kLength, kChunked };

struct ResponseHead {
  int status = 200;
  const HeaderList& headers;
  Framing framing = Framing::kNone;
  uint64_t length = 0;
  std::string_view date;        // where `headers` have none; empty: no Date
  std::string_view connection;  // the value of Connection; empty: none
  std::string_view upgrade;     // the value of Upgrade; empty: none
};

// Replaces `out` by status line and fields. Fields that would break the framing are left out.
void format_response_head(std::string& out, const ResponseHead& head);

struct RequestHead {
  std::string_view method;
  std::string_view target;  // path and query, as they are
  std::string_view host;
  const HeaderList& headers;  // Host and is_hop_field() in it are left out
  Framing framing = Framing::kNone;
  uint64_t length = 0;
  std::string_view upgrade;  // the value of Upgrade, with its Connection field; empty: none
  bool takes_trailers = false;
};

// Replaces `out` by request line and fields; kInvalidInput for what would break the framing.
Result<> format_request_head(std::string& out, const RequestHead& head);

// What stands in front of a chunk of the body, and behind it; `space` holds the former.
struct ChunkHead {
  char space[18];
  std::string_view format(size_t size);
};
inline constexpr std::string_view kChunkEnd = "\r\n", kLastChunk = "0\r\n\r\n";

}  // namespace fiso::net

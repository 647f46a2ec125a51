// Message heads as bytes for bodies of which only the framing is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/header_list.h"
#include "base/result.h"

namespace fiso::net {

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
  const HeaderList& headers;  // Host, Content-Length and hop fields in it are left out
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
// Replaces `out` by the last chunk with those fields behind it that may stand there.
void format_last_chunk(std::string& out, const HeaderList& trailers);
inline constexpr std::string_view kChunkEnd = "\r\n", kLastChunk = "0\r\n\r\n";

}  // namespace fiso::net

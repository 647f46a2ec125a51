#include "net/stream_head.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "net/hop_fields.h"
#include "net/http_status.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append("\r\n").append(name).append(": ").append(value);
}

void append_framing(std::string& out, Framing framing, uint64_t length) {
  if (framing == Framing::kChunked) append_field(out, "Transfer-Encoding", "chunked");
  if (framing != Framing::kLength) return;
  out.append("\r\nContent-Length: ");
  append_number(out, length);
}

// Framing is the connection's own business; what says which fields follow the body passes where some can.
bool ends_here(std::string_view name, Framing framing) {
  if (iequals(name, "trailer")) return framing != Framing::kChunked;
  return is_hop_field(name) || iequals(name, "content-length");
}

bool is_target(std::string_view target) {
  bool path = target.starts_with('/') || target == "*";
  return path && std::ranges::all_of(target, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

void format_response_head(std::string& out, const ResponseHead& head) {
  out.assign("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(std::clamp(head.status, 100, 999)));
  out.append(" ").append(reason(head.status));
  bool dated = head.date.empty();
  for (HeaderList::Field field : head.headers) {
    if (ends_here(field.name, head.framing) || !is_field_name(field.name) || !is_field_value(field.value)) continue;
    dated = dated || iequals(field.name, "date");
    append_field(out, field.name, field.value);
  }
  if (!dated) append_field(out, "Date", head.date);
  append_framing(out, head.framing, head.length);
  if (!head.connection.empty()) append_field(out, "Connection", head.connection);
  if (!head.upgrade.empty()) append_field(out, "Upgrade", head.upgrade);
  out.append("\r\n\r\n");
}

Result<> format_request_head(std::string& out, const RequestHead& head) {
  if (!is_field_name(head.method)) return Error(ErrorCode::kInvalidInput, "invalid method");
  if (!is_target(head.target)) return Error(ErrorCode::kInvalidInput, "invalid request target");
  if (!is_field_value(head.host) || !is_field_value(head.upgrade)) return Error(ErrorCode::kInvalidInput, "invalid header field");
  out.assign(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\nHost: ").append(head.host);
  for (HeaderList::Field field : head.headers) {
    if (ends_here(field.name, head.framing) || iequals(field.name, "host")) continue;
    if (!is_field_name(field.name) || !is_field_value(field.value))
      return Error(ErrorCode::kInvalidInput, "invalid header field");
    append_field(out, field.name, field.value);
  }
  append_framing(out, head.framing, head.length);
  if (!head.upgrade.empty()) {
    append_field(out, "Upgrade", head.upgrade);
    append_field(out, "Connection", "upgrade");
  } else if (head.takes_trailers) {
    append_field(out, "TE", "trailers");
    append_field(out, "Connection", "TE");
  }
  out.append("\r\n\r\n");
  return {};
}

void format_last_chunk(std::string& out, const HeaderList& trailers) {
  out.assign("0");
  for (HeaderList::Field field : trailers)
    if (is_field_name(field.name) && is_trailer_field(field.name) && is_field_value(field.value))
      append_field(out, field.name, field.value);
  out.append("\r\n\r\n");
}

std::string_view ChunkHead::format(size_t size) {
  char* end = std::to_chars(space, space + 16, size, 16).ptr;
  end = std::ranges::copy(kChunkEnd, end).out;
  return {space, static_cast<size_t>(end - space)};
}

}  // namespace fiso::net

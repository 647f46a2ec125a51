#include "net/stream_head.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/ascii.h"
#include "net/http_status.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

// `f` is given each element of a comma-separated value.
template <class F>
void for_each_token(std::string_view list, F f) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (std::string_view token = trim(list.substr(0, comma)); !token.empty()) f(token);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append("\r\n").append(name).append(": ").append(value);
}

void append_framing(std::string& out, Framing framing, uint64_t length) {
  if (framing == Framing::kChunked) append_field(out, "Transfer-Encoding", "chunked");
  if (framing != Framing::kLength) return;
  out.append("\r\nContent-Length: ");
  append_number(out, length);
}

bool is_target(std::string_view target) {
  bool path = target.starts_with('/') || target == "*";
  return path && std::ranges::all_of(target, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

// What Connection may name and what must stay all the same: without it the message would mean another thing.
bool is_essential(std::string_view name) {
  return iequals(name, "host") || iequals(name, "date") || iequals(name, "authorization") || iequals(name, "cookie");
}

}  // namespace

bool is_hop_field(std::string_view name) {
  switch (name.size()) {
    case 2: return iequals(name, "te");
    case 6: return iequals(name, "expect");
    case 7: return iequals(name, "upgrade") || iequals(name, "trailer");
    case 10: return iequals(name, "connection") || iequals(name, "keep-alive");
    case 14: return iequals(name, "content-length") || iequals(name, "http2-settings");
    case 16: return iequals(name, "proxy-connection");
    case 17: return iequals(name, "transfer-encoding");
    case 18: return iequals(name, "proxy-authenticate");
    case 19: return iequals(name, "proxy-authorization");
    case 25: return iequals(name, "proxy-authentication-info");
    default: return false;
  }
}

bool has_token(std::string_view list, std::string_view token) {
  bool found = false;
  for_each_token(list, [&](std::string_view each) { found = found || iequals(each, token); });
  return found;
}

void strip_named_hop_fields(HeaderList& headers) {
  std::vector<std::string> named;  // names are copied: removing one moves the rest
  for (HeaderList::Field field : headers) {
    if (!iequals(field.name, "connection")) continue;
    for_each_token(field.value, [&](std::string_view token) {
      if (iequals(token, "close") || is_hop_field(token) || is_essential(token)) return;
      named.emplace_back(token);
    });
  }
  for (const std::string& name : named) headers.remove(name);
}

void format_response_head(std::string& out, const ResponseHead& head) {
  out.assign("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(std::clamp(head.status, 100, 999)));
  out.append(" ").append(reason(head.status));
  bool dated = head.date.empty();
  for (HeaderList::Field field : head.headers) {
    if (is_hop_field(field.name) || !is_field_name(field.name) || !is_field_value(field.value)) continue;
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
    if (is_hop_field(field.name) || iequals(field.name, "host")) continue;
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

std::string_view ChunkHead::format(size_t size) {
  char* end = std::to_chars(space, space + 16, size, 16).ptr;
  end = std::ranges::copy(kChunkEnd, end).out;
  return {space, static_cast<size_t>(end - space)};
}

}  // namespace fiso::net

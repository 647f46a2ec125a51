#include "net/wire.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/ascii.h"
#include "net/hop_fields.h"
#include "net/http_status.h"

namespace fiso::net {
namespace {

constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c)
    table[static_cast<unsigned char>(c)] = table[static_cast<unsigned char>(ascii_upper(c))] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// 1xx and 204 have no body and must not promise one.
bool has_content_length(int status) { return status >= 200 && status != 204; }

// Without a way out in the middle, so that the compiler looks at many characters at a time: nearly all texts are good.
template <class F>
bool each_is(std::string_view text, F good) {
  unsigned bad = 0;
  for (char c : text) bad |= !good(static_cast<unsigned char>(c));
  return bad == 0;
}

bool is_target(std::string_view target) {
  return target.starts_with('/') && each_is(target, [](unsigned char c) { return (c > ' ') & (c < 0x7f); });
}

// Only the connection itself may write them.
bool is_own_field(std::string_view name) {
  return is_hop_field(name) || iequals(name, "host") || iequals(name, "date") || iequals(name, "content-length");
}

// A length of 0 is only worth a line where a body is usual (RFC 9110 section 8.6).
bool usually_has_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

}  // namespace

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return kTokenChars[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view value) {
  return each_is(value, [](unsigned char c) { return ((c >= ' ') & (c != 0x7f)) | (c == '\t'); });
}

void append_number(std::string& out, uint64_t number) {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, end);
}

std::string_view DateText::now() {
  time_t second = std::time(nullptr);
  if (second != second_) {
    second_ = second;
    tm utc;
    gmtime_r(&second, &utc);
    strftime(text_, sizeof text_, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  }
  return text_;
}

void format_response_head(std::string& out, const HttpResponse& response, std::string_view date, ConnectionField connection) {
  out.assign("HTTP/1.1 ");
  append_number(out, static_cast<uint64_t>(std::clamp(response.status, 100, 999)));
  out.append(" ").append(reason(response.status)).append("\r\nDate: ").append(date);
  for (HeaderList::Field field : response.headers) {
    if (is_own_field(field.name) || !is_field_name(field.name) || !is_field_value(field.value)) continue;
    out.append("\r\n").append(field.name).append(": ").append(field.value);
  }
  if (has_content_length(response.status)) {
    out.append("\r\nContent-Length: ");
    append_number(out, response.body.size());
  }
  if (connection == ConnectionField::kClose) out.append("\r\nConnection: close");
  if (connection == ConnectionField::kKeepAlive) out.append("\r\nConnection: keep-alive");
  out.append("\r\n\r\n");
}

Result<> format_request_head(std::string& out, const ClientRequest& request, std::string_view authority) {
  if (!is_field_name(request.method)) return Error(ErrorCode::kInvalidInput, "invalid method");
  if (!is_target(request.target)) return Error(ErrorCode::kInvalidInput, "invalid request target");
  out.assign(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ").append(authority);
  if (request.headers != nullptr) {
    for (HeaderList::Field field : *request.headers) {
      if (is_own_field(field.name)) continue;
      if (!is_field_name(field.name) || !is_field_value(field.value))
        return Error(ErrorCode::kInvalidInput, "invalid header field");
      out.append("\r\n").append(field.name).append(": ").append(field.value);
    }
  }
  uint64_t length = 0;
  for (std::string_view piece : request.body) length += piece.size();
  if (length > 0 || usually_has_body(request.method)) {
    out.append("\r\nContent-Length: ");
    append_number(out, length);
  }
  if (request.connection == Connection::kOwn) out.append("\r\nConnection: close");
  out.append("\r\n\r\n");
  return {};
}

}  // namespace fiso::net

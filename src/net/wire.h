// Message heads as bytes: what servers and clients write in front of a body.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"
#include "net/http_message.h"

namespace fiso::net {

// RFC 9110 section 5: a field that passes cannot change how the message around it is read.
bool is_field_name(std::string_view name);
bool is_field_value(std::string_view value);

void append_number(std::string& out, uint64_t number);

// The Date field's value, formatted once a second. Threading: shard-local.
class DateText {
 public:
  std::string_view now();

 private:
  time_t second_ = -1;
  char text_[32];
};

enum class ConnectionField { kNone, kClose, kKeepAlive };

// Replaces `out` by status line and fields. Content-Length, Date and Connection are written here; fields of the response
// that would break the framing are left out.
void format_response_head(std::string& out, const HttpResponse& response, std::string_view date, ConnectionField connection);

// Replaces `out` by request line and fields. Host and Content-Length are written here; kInvalidInput for a method, target or
// field that would break the framing.
Result<> format_request_head(std::string& out, const ClientRequest& request, std::string_view authority);

}  // namespace fiso::net

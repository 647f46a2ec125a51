// An absolute http or https URL, taken apart (RFC 3986, the part of it that names a resource to send to).
//
// Strict: no user information (it would put a password where URLs are logged), no fragment, ASCII only, nothing that an
// HTTP request line could not carry. Value type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fiso::net {

enum class Scheme { kHttp, kHttps };

struct Uri {
  Scheme scheme = Scheme::kHttp;
  std::string host;  // lower case; an IPv6 literal without its brackets
  uint16_t port = 80;
  std::string target = "/";  // path and query, as sent in a request line

  // What the Host header says: brackets around IPv6, the port only if it is not the scheme's own.
  std::string authority() const;
};

// The error's message says what is wrong and does not quote the URL.
Result<Uri> parse_uri(std::string_view text);

}  // namespace fiso::net

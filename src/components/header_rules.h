// Which header fields may travel on with an event, whoever names them: a guest, a configuration, a caller.
#pragma once

#include <string>
#include <string_view>

namespace fiso {

// A token of RFC 9110, section 5.6.2.
bool is_header_name(std::string_view name);
// Visible text, spaces and tabs; no leading or trailing white space, no control characters.
bool is_header_value(std::string_view value);
// "x-request-id" as "X-Request-Id".
std::string canonical_header_name(std::string_view name);
// Those that describe one hop or the message itself, and Fiso's own: Connection and its kin, Host, Content-*, Fiso-*.
bool is_reserved_header(std::string_view name);
// The same of a call to a target, whose body has a type and a coding that may change with it: Content-Length alone of Content-*.
bool is_reserved_in_calls(std::string_view name);

}  // namespace fiso

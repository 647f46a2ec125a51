// The formats of CloudEvents attributes that are more than text (CloudEvents 1.0, section 2: URI-reference, Timestamp), and
// how attributes stand in headers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fiso::core {

// `text` as a URI-reference (RFC 3986, section 4.1), with what only needs percent-encoding encoded: "my service" is
// "my%20service". Nothing if it cannot be one: it is empty, holds control characters or a % without two hex digits, begins
// with something before a colon that is no scheme ("10.0.0.1:80/x"), or names no proper host behind //.
std::optional<std::string> to_uri_reference(std::string_view text);

// Any text as one segment of a URI's path.
std::string to_uri_segment(std::string_view text);

// The text of an attribute in binary mode (CloudEvents HTTP binding 1.0, section 3.1.3.2): a quoted value is unquoted, then %XX
// is decoded, once. Escapes that do not stand for UTF-8, or for characters that no attribute may hold, stay as they are.
std::string from_header_value(std::string_view value);

// A media type (RFC 2045, section 5.1) whose content is JSON: application/json, text/json, and all that end in +json, with or
// without parameters.
bool is_json_media_type(std::string_view text);

// A date and time of RFC 3339, section 5.6; the second may be a leap second.
bool is_timestamp(std::string_view text);

}  // namespace fiso::core

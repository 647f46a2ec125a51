// Text to JSON string and back, and white space.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace fiso::json {

// Appends `text` as a JSON string, quotes included. Only what must be escaped is; a byte that is not part of valid UTF-8
// becomes U+FFFD.
void append_quoted(std::string& out, std::string_view text);

// The text of a JSON string that is given as it stands in a document, quotes included. A \u surrogate without its partner
// becomes U+FFFD. kInvalidInput if it is not exactly one string.
Result<std::string> unquote(std::string_view raw_string);

// Appends `valid_json` without its insignificant white space; nothing else changes. The text must have been validated.
void compact(std::string_view valid_json, std::string& out);

bool is_utf8(std::string_view text);

// True if the text can be one line of newline-delimited JSON as it is.
bool is_single_line(std::string_view text);

}  // namespace fiso::json

// UTF-8, one character at a time, for the paths that are not fast. Internal to this library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fiso::json {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Length of the well-formed sequence `text` begins with, 0 if there is none. `text` is not empty.
size_t utf8_sequence(std::string_view text);

void append_utf8(std::string& out, uint32_t code_point);

}  // namespace fiso::json

// Base64 of RFC 4648, section 4: with padding, without line ends.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fiso {

std::string to_base64(std::string_view bytes);

// Nothing if the text is anything else.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace fiso

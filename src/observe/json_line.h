// Renders log lines. Internal to this library.
//
// Not the JSON library's quoting: a log line ends on terminals and in line-based tools, so DEL, the C1 controls and the
// Unicode line separators are escaped too, and text is cut at kMaxLogText.
#pragma once

#include <string>
#include <string_view>

#include "observe/log.h"

namespace fiso::observe {

// "text", quotes included.
void append_log_text(std::string& line, std::string_view text);
// ,"key":value
void append_field(std::string& line, const Field& field);

}  // namespace fiso::observe

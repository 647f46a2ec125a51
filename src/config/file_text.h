// A configuration file as it stands, or why it cannot be read.
//
// Never waits: what is no regular file, such as a FIFO, is refused. The error's message is the reason alone, without the path.
#pragma once

#include <string>

#include "base/result.h"
#include "config/errors.h"

namespace fiso::config {

Result<std::string> read_file_text(const std::string& file);

// What to say where nothing in a file is no configuration: one that is being written looks like that, and to take it at its word
// would end all that it described.
ConfigError nothing_in(const std::string& file);

}  // namespace fiso::config

// FISO_APPS_LISTEN: where the apps of a process answer that say nothing else.
#pragma once

#include <string>

#include "base/result.h"

namespace fiso::server {

// 127.0.0.1 where it is not set. An error names the variable.
Result<std::string> apps_listen_address();

}  // namespace fiso::server

// Times as logs and CloudEvents write them: RFC 3339, UTC, always nine digits of a second.
#pragma once

#include <string>

#include "base/clock.h"

namespace fiso::observe {

// Appends "2024-05-01T12:00:00.000000000Z".
void append_timestamp(std::string& out, WallTime time);

}  // namespace fiso::observe

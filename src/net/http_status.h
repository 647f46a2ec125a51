// Status codes: their names, and which one says what an Error means.
#pragma once

#include <string_view>

#include "base/error.h"

namespace fiso::net {

// The reason phrase of RFC 9110 section 15; "Unknown" for a code that has none.
std::string_view reason(int status);

// The precise status for an error (`statusMode: precise`): whose fault it is decides.
int status_for(ErrorCode code);

}  // namespace fiso::net

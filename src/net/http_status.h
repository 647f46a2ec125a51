// Status codes: their names, and which one says what an Error means.
#pragma once

#include <string_view>

#include "base/error.h"

namespace fiso::net {

// The reason phrase of RFC 9110 section 15; "Unknown" for a code that has none.
std::string_view reason(int status);

// The precise status for a failed event (`statusMode: precise`): whose fault it is decides. 400: the caller's; 502: that of a
// sink or a guest, behind us; 504: one of them was too slow; 503: we are full or stopping, later will help; 500: ours.
int status_for(ErrorCode code);

}  // namespace fiso::net

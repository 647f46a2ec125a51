// UUIDs: version 4 for correlation ids, version 7 (RFC 9562, ordered by time) for event ids.
//
// Random bits come from getrandom(2), a buffer of them per thread. Thread-safe.
#pragma once

#include <string>

#include "base/clock.h"

namespace fiso {

std::string make_uuid_v4();
std::string make_uuid_v7(WallTime now);

}  // namespace fiso

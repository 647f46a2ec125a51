// Retry-After: how long the other side asks us to stay away.
#pragma once

#include "base/clock.h"
#include "base/header_list.h"

namespace fiso::net {

// Seconds, or an HTTP date (RFC 9110, section 10.2.3). Zero if there is none, or one that says neither; at most a day.
Duration retry_after(const HeaderList& headers, WallTime now);

}  // namespace fiso::net

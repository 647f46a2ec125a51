// How long an answer asks to be left alone: its Retry-After field, RFC 9110 section 10.2.3.
#pragma once

#include "base/clock.h"
#include "base/header_list.h"

namespace fiso::net {

inline constexpr std::chrono::seconds kLongestRetryAfter = std::chrono::hours(24);

// Seconds, or an HTTP date held against `now`; at most kLongestRetryAfter. Zero where there is no such field, or it says neither.
Duration retry_after(const HeaderList& headers, WallTime now);

}  // namespace fiso::net

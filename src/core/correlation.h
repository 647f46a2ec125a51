// The correlation id of an event: whatever the caller gave it, or a new one.
#pragma once

#include <string>
#include <string_view>

#include "base/header_list.h"

namespace fiso::core {

struct Correlation {
  std::string id;
  std::string_view source;  // the header's name, or "generated"
};

// The first of fiso-correlation-id, x-correlation-id, x-request-id, and the trace id of a traceparent, in any case; else a
// new UUID. A value that is empty, longer than 256 bytes or holds anything but visible ASCII does not count.
Correlation find_correlation(const HeaderList& headers);

}  // namespace fiso::core

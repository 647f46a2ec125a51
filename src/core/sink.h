// Where events go.
//
// deliver() returns ok only when the other side has taken the event. An error's code says whether a retry can help
// (retryable()), its retry_after() when. Threading: shard-local, one per shard; several deliveries may
// be under way.
#pragma once

#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "core/outbound.h"

namespace fiso::core {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Task<Result<>> deliver(const Outbound& event) = 0;
  // Where events go, for the log.
  virtual std::string_view target() const { return {}; }
};

}  // namespace fiso::core

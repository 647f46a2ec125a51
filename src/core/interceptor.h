// Something that looks at an event, and may change or reject it, between source and sink.
//
// It keeps no state between events unless its documentation says so. Threading: shard-local, one per shard; several events
// may be in it at once.
#pragma once

#include "async/task.h"
#include "base/result.h"
#include "core/event.h"

namespace fiso::core {

class Interceptor {
 public:
  virtual ~Interceptor() = default;
  // Ok: `event` is what goes on. An error rejects the event, whose payload and headers then no longer matter.
  virtual Task<Result<>> process(Event& event) = 0;
};

}  // namespace fiso::core

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

// Whether this failure is one that an interceptor may let pass, where it is configured so: none that says that nobody waits for
// the event any more.
inline bool may_pass(const Error& error, const Event& event) {
  return error.code() != ErrorCode::kCancelled && std::chrono::steady_clock::now() < event.deadline;
}

}  // namespace fiso::core

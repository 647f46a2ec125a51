// Where events come from.
//
// A source pushes: it hands each event to the intake and waits there, so that back-pressure is simply not returning. (A
// pulling source would need a queue between itself and the pipeline, and a hop through it for every event.)
// Threading: shard-local, one per shard.
#pragma once

#include "async/task.h"
#include "core/delivery.h"

namespace fiso::core {

// What the caller of a synchronous source is told of a failed event: one status for all, as the contract has it, or the one
// that says whose fault it was.
enum class StatusMode { kCompatible, kPrecise };

// Takes over deliveries. Completes when the delivery has been answered; several may be under way.
class Intake {
 public:
  virtual ~Intake() = default;
  virtual Task<> take(Delivery delivery) = 0;
};

class Source {
 public:
  virtual ~Source() = default;
  // From now on events go to `intake`, which outlives the source's last delivery.
  virtual void start(Intake& intake) = 0;
};

}  // namespace fiso::core

// An event and the duty to answer its source exactly once.
//
// Whoever holds the Delivery answers it, ok or with an error; one that is destroyed unanswered answers kCancelled, so a bug
// of ours can make a source try again but never lose an event. Movable; shard-local.
#pragma once

#include <utility>

#include "base/result.h"
#include "core/event.h"

namespace fiso::core {

// The source's end. Outlives the delivery; called once per delivery, on its shard.
class Answerer {
 public:
  virtual ~Answerer() = default;
  virtual void answer(Result<> outcome) noexcept = 0;
};

class Delivery {
 public:
  Delivery(Event event, Answerer& source) : event(std::move(event)), source_(&source) {}
  Delivery(Delivery&& other) noexcept : event(std::move(other.event)), source_(std::exchange(other.source_, nullptr)) {}
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() {
    if (source_ != nullptr) answer(Error(ErrorCode::kCancelled, "the event was dropped"));
  }

  // Only the first answer counts.
  void answer(Result<> outcome) {
    if (Answerer* source = std::exchange(source_, nullptr); source != nullptr) source->answer(std::move(outcome));
  }
  bool answered() const { return source_ == nullptr; }

  Event event;

 private:
  Answerer* source_;
};

}  // namespace fiso::core

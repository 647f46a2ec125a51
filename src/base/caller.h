// Somebody who waits for an answer, and may leave before there is one.
//
// Shard-local.
#pragma once

namespace fiso {

class Caller {
 public:
  virtual ~Caller() = default;

  // Calls `gone` once, soon after the caller has left or can be answered no more, also while nobody reads or writes; at once,
  // before it returns, if that has happened already. Only the last one that asked is told. nullptr ends that.
  using Gone = void (*)(void* owner) noexcept;
  virtual void when_gone(void* owner, Gone gone) = 0;
};

}  // namespace fiso

// A coarse deadline that tells its owner by a function: for objects that have several of them.
//
// Threading: shard-local.
#pragma once

#include "async/watchdog.h"

namespace fiso::net {

class Alarm final : public async::Watchdog::Entry {
 public:
  using Ring = void (*)(void* owner) noexcept;

  Alarm(async::Watchdog& watchdog, void* owner, Ring ring) : Entry(watchdog), owner_(owner), ring_(ring) {}

 private:
  void expired() noexcept override { ring_(owner_); }

  void* owner_;
  Ring ring_;
};

}  // namespace fiso::net

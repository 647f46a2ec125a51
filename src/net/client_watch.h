// Looks from time to time whether a client is still there that nobody reads from or writes to, while somebody wants to know.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <algorithm>
#include <utility>

#include "base/caller.h"
#include "net/alarm.h"

namespace fiso::net {

class ClientWatch {
 public:
  // `look` says whether `connection` still has its client; if not it has called tell().
  using Look = bool (*)(void* connection) noexcept;
  ClientWatch(async::Watchdog& watchdog, void* connection, Look look)
      : alarm_(watchdog, this, ring), connection_(connection), look_(look) {}

  // See Caller::when_gone(); of a client that is there.
  void want(void* owner, Caller::Gone gone) {
    owner_ = owner;
    gone_ = gone;
    until_look_ = kFirstLook;
    if (gone == nullptr) return alarm_.clear();
    look_again();
  }
  // That it has gone.
  void tell() {
    alarm_.clear();
    if (Caller::Gone gone = std::exchange(gone_, nullptr)) gone(owner_);
  }

 private:
  static constexpr std::chrono::milliseconds kFirstLook{100};
  static constexpr std::chrono::seconds kLastLook{1};  // looks come this far apart in the end

  void look_again() { alarm_.set(std::chrono::steady_clock::now() + until_look_); }
  static void ring(void* self) noexcept {
    auto& watch = *static_cast<ClientWatch*>(self);
    if (!watch.look_(watch.connection_)) return;
    watch.until_look_ = std::min<Duration>(2 * watch.until_look_, kLastLook);
    watch.look_again();
  }

  Alarm alarm_;
  void* const connection_;
  const Look look_;
  void* owner_ = nullptr;
  Caller::Gone gone_ = nullptr;
  Duration until_look_{};
};

}  // namespace fiso::net

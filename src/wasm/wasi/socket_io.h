// Connections of a guest that lives on: what is there is moved at once, straight from and to guest memory.
//
// Nothing blocks the shard: what is not ready is kAgain for a non-blocking descriptor, and a wait of kind kReady otherwise.
// Both may move less than is asked for.
#pragma once

#include "wasm/wasi/outcome.h"
#include "wasm/wasi/transfer.h"

namespace fiso::wasm::wasi {

struct ReceiveOptions {
  bool peek = false;
  std::optional<GuestPointer> flags_at = std::nullopt;  // where ro_flags go
};
Outcome receive(Guest& guest, GuestMemory memory, const Descriptor& socket, const Transfer& transfer, ReceiveOptions options);

Outcome send(Guest& guest, GuestMemory memory, const Descriptor& socket, const Transfer& transfer);

// Does `attempt(guest, memory)`, which gives an Errno, until it is not kAgain; tries again when the socket is ready for `events`
// of poll(2).
template <class Attempt>
Outcome when_ready(Guest& guest, GuestMemory memory, const Descriptor& socket, short events, Attempt attempt) {
  class Call final : public PendingCall {
   public:
    Call(HostFileRef file, short awaited, Attempt again)
        : PendingCall(Kind::kReady, kNever), watched_{std::move(file), awaited}, attempt_(std::move(again)) {}
    std::span<const WatchedStream> watched() const override { return {&watched_, 1}; }
    bool step(Guest& then, GuestMemory memory_then) override {
      error_ = attempt_(then, memory_then);
      return error_ != Errno::kAgain;
    }
    int32_t finish(Guest&, GuestMemory) override { return static_cast<int32_t>(error_); }

   private:
    WatchedStream watched_;
    Attempt attempt_;
    Errno error_ = Errno::kAgain;
  };
  HostFileRef file = socket.host;
  bool waits = (socket.flags & fdflags::kNonblock) == 0;
  Errno error = attempt(guest, memory);
  if (error != Errno::kAgain || !waits) return error;
  return Outcome(std::make_unique<Call>(std::move(file), events, std::move(attempt)));
}

}  // namespace fiso::wasm::wasi

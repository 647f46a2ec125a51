// The guest's input as a file: a look at it waits until there is input, and where input is added as it comes, for the end of it.
#pragma once

#include <memory>
#include <utility>

#include "wasm/wasi/guest.h"
#include "wasm/wasi/outcome.h"

namespace fiso::wasm::wasi {

// Of a guest that lives on: what comes is gathered until its keeper, who is told that the guest waits, ends it.
template <class Finish>
class GatheringCall final : public PendingCall {
 public:
  explicit GatheringCall(Finish finish) : PendingCall(Kind::kReady, kNever), finish_(std::move(finish)) {}
  bool wants_input() const override { return true; }
  bool step(Guest& guest, GuestMemory) override {
    guest.input().gather();
    return guest.input().ended();
  }
  int32_t finish(Guest& guest, GuestMemory memory) override { return static_cast<int32_t>(finish_(guest, memory)); }

 private:
  Finish finish_;
};

// Does `finish(guest, memory)`, which gives an Errno, once the file has its size.
template <class Finish>
Outcome with_input_file(Guest& guest, GuestMemory memory, Finish finish) {
  Input& input = guest.input();
  if (guest.life() == nullptr) return input.given() ? Outcome(finish(guest, memory)) : when_input(std::move(finish));
  input.gather();
  if (input.ended()) return finish(guest, memory);
  return Outcome(std::make_unique<GatheringCall<Finish>>(std::move(finish)));
}

}  // namespace fiso::wasm::wasi

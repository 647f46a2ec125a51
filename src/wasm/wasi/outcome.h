// What a host call amounts to: an errno at once, the end of the guest, or something to wait for first.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/clock.h"
#include "wasm/wasi/abi.h"
#include "wasm/wasi/guest_memory.h"
#include "wasm/wasi/host_stream.h"

namespace fiso::wasm::wasi {

class Guest;

// A host call whose guest is suspended until it can be finished. May be destroyed at any time, on any thread, unfinished.
class PendingCall {
 public:
  enum class Kind {
    kInput,     // until the guest has input, or until() if that comes first
    kSleep,     // until until()
    kBlocking,  // until run() has returned on some other thread
    kTurns,     // until step() says so; whoever else wants the shard gets it between two steps
    kReady,     // until step() says so, which is to be asked when something of watched() is ready, when there is input, if
                // wants_input(), and at until(). Only of guests that live on
  };

  PendingCall(Kind kind, MonotonicTime until) : kind_(kind), until_(until) {}
  virtual ~PendingCall() = default;
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

  Kind kind() const { return kind_; }
  // kNever where no time is waited for.
  MonotonicTime until() const { return until_; }

  // kBlocking: does the work, once, on any thread. It touches neither the guest nor its memory, which may be gone by then.
  virtual void run() {}
  // kReady: valid until the call is finished.
  virtual std::span<const WatchedStream> watched() const { return {}; }
  virtual bool wants_input() const { return kind_ == Kind::kInput; }
  // kTurns, kReady: a part of the work, on the guest's shard, for as long as a guest may hold it; true when nothing is left to
  // do.
  virtual bool step(Guest& guest, GuestMemory memory) {
    (void)guest, (void)memory;
    return true;
  }
  // On the guest's shard once the wait is over: writes the results into guest memory and gives the function's errno.
  virtual int32_t finish(Guest& guest, GuestMemory memory) = 0;

 private:
  Kind kind_;
  MonotonicTime until_;
};

class [[nodiscard]] Outcome {
 public:
  Outcome(Errno error) : error_(error) {}                                          // NOLINT: an errno is an outcome
  Outcome(std::unique_ptr<PendingCall> pending) : pending_(std::move(pending)) {}  // NOLINT: and so is a wait
  static Outcome exit() {
    Outcome outcome(Errno::kSuccess);
    outcome.exits_ = true;
    return outcome;
  }

  // proc_exit: the guest must not run on.
  bool exits() const { return exits_; }
  bool pending() const { return pending_ != nullptr; }
  std::unique_ptr<PendingCall> take_pending() { return std::move(pending_); }
  // Of an outcome that is neither.
  int32_t error_number() const { return static_cast<int32_t>(error_); }

 private:
  std::unique_ptr<PendingCall> pending_;
  Errno error_ = Errno::kSuccess;
  bool exits_ = false;
};

// Waits for input, then does `finish(guest, memory)`, which gives an Errno.
template <class Finish>
Outcome when_input(Finish finish) {
  class Call final : public PendingCall {
   public:
    explicit Call(Finish finish_call) : PendingCall(Kind::kInput, kNever), finish_(std::move(finish_call)) {}
    int32_t finish(Guest& guest, GuestMemory memory) override { return static_cast<int32_t>(finish_(guest, memory)); }

   private:
    Finish finish_;
  };
  return Outcome(std::make_unique<Call>(std::move(finish)));
}

// Does `work()` on another thread, then `finish(guest, memory, what work returned)`, which gives an Errno, on the shard.
template <class Work, class Finish>
Outcome off_shard(Work work, Finish finish) {
  class Call final : public PendingCall {
   public:
    Call(Work work_call, Finish finish_call)
        : PendingCall(Kind::kBlocking, kNever), work_(std::move(work_call)), finish_(std::move(finish_call)) {}
    void run() override { result_ = work_(); }
    int32_t finish(Guest& guest, GuestMemory memory) override {
      return static_cast<int32_t>(finish_(guest, memory, std::move(result_)));
    }

   private:
    Work work_;
    Finish finish_;
    decltype(work_()) result_{};
  };
  return Outcome(std::make_unique<Call>(std::move(work), std::move(finish)));
}

// Work that gives only an Errno.
template <class Work>
Outcome off_shard(Work work) {
  return off_shard(std::move(work), [](Guest&, GuestMemory, Errno error) { return error; });
}

}  // namespace fiso::wasm::wasi

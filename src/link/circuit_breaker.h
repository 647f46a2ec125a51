// Stops calls to a target that fails, and finds out when it is well again.
//
// Closed: calls pass, until `failure_threshold` in a row have failed. Open: none does, for `reset_timeout`. Half-open: one at a
// time does, until its answer begins, and `success_threshold` good ones in a row close it again, one bad one opens it. What
// counts as a failure is the caller's to say; a call of which nothing is known (its client has gone) is given back. Thread-safe,
// without locks; shared by all shards.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace fiso::link {

struct BreakerOptions {
  int64_t failure_threshold = 5;
  int64_t success_threshold = 3;
  Duration reset_timeout = std::chrono::seconds(30);
};

class CircuitBreaker {
 public:
  enum class State { kClosed, kHalfOpen, kOpen };

  explicit CircuitBreaker(BreakerOptions options, const Clock& clock = Clock::system()) : options_(options), clock_(clock) {}

  // One call that was let through. Ends in succeeded() or failed(), or is given back when it is dropped.
  class Call {
   public:
    Call() = default;
    Call(Call&& other) noexcept;
    Call& operator=(Call&& other) noexcept;
    ~Call() { give_back(); }
    explicit operator bool() const { return breaker_ != nullptr; }
    // A good answer has begun, and may take long: of a half-open breaker that is the success, and the next call may be let
    // through. How it ends is said as of a call to a closed one.
    void begun();
    void succeeded();
    void failed();

   private:
    friend class CircuitBreaker;
    Call(CircuitBreaker& breaker, bool probes) : breaker_(&breaker), probes_(probes) {}
    void give_back();
    void count_probe();
    CircuitBreaker* breaker_ = nullptr;
    bool probes_ = false;  // the one call that a half-open breaker lets through
  };

  // Empty if none is let through now.
  Call admit();
  // How long until one may be; zero if that is now.
  Duration wait_time() const;
  // An open one whose time is up counts as half-open.
  State state() const;

 private:
  void open();

  const BreakerOptions options_;
  const Clock& clock_;
  // When it was opened, in nanoseconds of the monotonic clock; kNotOpen while closed.
  static constexpr int64_t kNotOpen = 0;
  std::atomic<int64_t> opened_at_{kNotOpen};
  std::atomic<int64_t> failures_{0};   // in a row, while closed
  std::atomic<int64_t> successes_{0};  // in a row, while half-open
  std::atomic<bool> probing_{false};
};

}  // namespace fiso::link

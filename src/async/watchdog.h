// Coarse deadlines for many waiters at the price of one store each.
//
// A connection holds one Entry and moves its deadline as it goes (header, body, idle); no timer is touched on the way. The
// watchdog looks at all entries when the earliest of them may be due and calls expired() on those that are, up to 50 ms
// late. For what must be exact, use a timer. Threading: shard-local.
#pragma once

#include <boost/asio/steady_timer.hpp>

#include "async/task.h"
#include "base/clock.h"

namespace fiso::async {

class Watchdog {
 public:
  class Entry {
   public:
    explicit Entry(Watchdog& watchdog) : watchdog_(watchdog) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    // Due at `deadline`; kNever disarms. Cheap: a compare and a store.
    void set(MonotonicTime deadline);
    void clear() { deadline_ = kNever; }
    MonotonicTime deadline() const { return deadline_; }
    // Disarms, and lets the watchdog end first. For what may be destroyed together with the event loop.
    void retire() {
      clear();
      unlink();
    }

   protected:
    // Unlinks, so an expired entry may destroy itself.
    virtual ~Entry();
    // Called once per set(), on the shard; the entry is disarmed before.
    virtual void expired() noexcept = 0;

   private:
    friend class Watchdog;
    void unlink();
    Watchdog& watchdog_;
    Entry* next_ = nullptr;
    Entry* previous_ = nullptr;
    bool linked_ = false;
    MonotonicTime deadline_ = kNever;
  };

  explicit Watchdog(asio::io_context& context) : timer_(context) {}
  Watchdog(const Watchdog&) = delete;
  ~Watchdog();

 private:
  static constexpr std::chrono::milliseconds kResolution{50};
  void look_at(MonotonicTime when);
  void sweep();

  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor> timer_;
  Entry* first_ = nullptr;
  Entry* cursor_ = nullptr;  // the entry after the one being told, so that telling may unlink any
  MonotonicTime next_look_ = kNever;
};

}  // namespace fiso::async

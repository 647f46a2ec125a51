#include "async/watchdog.h"

#include <gtest/gtest.h>

#include <memory>

namespace fiso::async {
namespace {

struct Probe : Watchdog::Entry {
  using Entry::Entry;
  ~Probe() override = default;
  void expired() noexcept override {
    ++times;
    if (next != nullptr) next.reset();
  }
  int times = 0;
  std::unique_ptr<Probe> next;
};

MonotonicTime soon(int ms) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

TEST(Watchdog, TellsWhoIsDueAndNotWhoMovedOn) {
  asio::io_context context;
  Watchdog watchdog(context);
  Probe due(watchdog), cleared(watchdog), later(watchdog);
  due.set(soon(1));
  cleared.set(soon(1));
  cleared.clear();
  later.set(soon(3'600'000));
  while (due.times == 0) context.run_one();
  EXPECT_EQ(due.times, 1);
  EXPECT_EQ(cleared.times, 0);
  EXPECT_EQ(later.times, 0);
}

TEST(Watchdog, OthersThatAreDueSoonerThanItLooksDoNotPutItOff) {
  asio::io_context context;
  Watchdog watchdog(context);
  Probe due(watchdog), other(watchdog);
  due.set(soon(1));
  for (MonotonicTime end = soon(30'000); due.times == 0 && soon(0) < end;) {
    other.set(soon(1));
    context.poll();
  }
  EXPECT_EQ(due.times, 1);
}

TEST(Watchdog, AnExpiredEntryMayDestroyAnother) {
  asio::io_context context;
  Watchdog watchdog(context);
  Probe first(watchdog);
  first.next = std::make_unique<Probe>(watchdog);
  first.next->set(soon(1));
  first.set(soon(1));
  context.run();
  EXPECT_EQ(first.times, 1);
}

TEST(Watchdog, WithNothingToWatchTheLoopEnds) {
  asio::io_context context;
  Watchdog watchdog(context);
  {
    Probe gone(watchdog);
    gone.set(soon(1));
  }
  context.run();
}

}  // namespace
}  // namespace fiso::async

#include "wasm/light/ticker.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <utility>

namespace fiso::wasm::light {
namespace {

constexpr int64_t kPeriodNs = 1'000'000;
constexpr int kIdleLooksBeforeParking = 3;

int64_t to_ns(MonotonicTime time) { return time.time_since_epoch().count(); }

int64_t now_ns() { return to_ns(std::chrono::steady_clock::now()); }

void sleep_until_ns(int64_t when) {
  timespec until{when / 1'000'000'000, when % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

}  // namespace

Ticker::Ticker(unsigned shards, std::function<void()> bump) : bump_(std::move(bump)) {
  for (unsigned i = 0; i < shards; ++i) watches_.push_back(std::make_unique<Watch>());
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), "guest-ticker");
}

Ticker::~Ticker() {
  stop_.store(true);
  wake();
  thread_.join();
}

// The store must not pass the load: either the ticker, about to park, sees this watch, or we see that it has parked.
void Ticker::arm(unsigned shard, MonotonicTime due) {
  watches_[shard]->due.store(to_ns(due) & ~int64_t{1}, std::memory_order_seq_cst);
  if (parked_.load(std::memory_order_seq_cst) != 0) [[unlikely]]
    wake();
}

void Ticker::disarm(unsigned shard) {
  std::atomic<int64_t>& due = watches_[shard]->due;
  due.store(due.load(std::memory_order_relaxed) | 1, std::memory_order_relaxed);
}

int64_t Ticker::look(int64_t now, bool& active) {
  int64_t next = now + kPeriodNs;
  bool overdue = false;
  for (auto& watch : watches_) {
    int64_t due = watch->due.load(std::memory_order_seq_cst);
    bool running = (due & 1) == 0;
    if (running && due <= now) overdue = true;
    if (running && due > now) next = std::min(next, due);
    active = active || running || due != watch->seen;
    watch->seen = due;
  }
  if (overdue) bump_();
  return next;
}

void Ticker::loop() {
  int idle = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    bool active = false;
    int64_t next = look(now_ns(), active);
    idle = active ? 0 : idle + 1;
    if (idle > kIdleLooksBeforeParking) {
      idle = 0;
      park();
    } else {
      sleep_until_ns(next);
    }
  }
}

void Ticker::park() {
  parked_.store(1, std::memory_order_seq_cst);
  bool running = false;
  for (auto& watch : watches_) running = running || (watch->due.load(std::memory_order_seq_cst) & 1) == 0;
  if (!running && !stop_.load(std::memory_order_seq_cst)) parked_.wait(1);
  parked_.store(0, std::memory_order_seq_cst);
}

void Ticker::wake() {
  if (parked_.exchange(0) != 0) parked_.notify_one();
}

}  // namespace fiso::wasm::light

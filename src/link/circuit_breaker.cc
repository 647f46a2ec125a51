#include "link/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace fiso::link {
namespace {

int64_t nanoseconds(MonotonicTime time) { return time.time_since_epoch().count(); }

}  // namespace

CircuitBreaker::Call::Call(Call&& other) noexcept
    : breaker_(std::exchange(other.breaker_, nullptr)), probes_(std::exchange(other.probes_, false)) {}

CircuitBreaker::Call& CircuitBreaker::Call::operator=(Call&& other) noexcept {
  std::swap(breaker_, other.breaker_);
  std::swap(probes_, other.probes_);
  return *this;
}

void CircuitBreaker::Call::give_back() {
  if (breaker_ != nullptr && probes_) breaker_->probing_ = false;
  breaker_ = nullptr;
}

void CircuitBreaker::Call::count_probe() {
  if (++breaker_->successes_ < breaker_->options_.success_threshold) return;
  breaker_->failures_ = 0;
  breaker_->opened_at_ = kNotOpen;
}

void CircuitBreaker::Call::begun() {
  if (!probes_) return;
  count_probe();
  probes_ = false;
  breaker_->probing_ = false;
}

void CircuitBreaker::Call::succeeded() {
  if (breaker_ == nullptr) return;
  if (probes_)
    count_probe();
  else if (breaker_->failures_.load(std::memory_order_relaxed) != 0)  // a write only where it says something new: shards share it
    breaker_->failures_ = 0;
  give_back();
}

void CircuitBreaker::Call::failed() {
  CircuitBreaker* breaker = breaker_;
  if (breaker == nullptr) return;
  // What was let through before it opened says nothing about the target now.
  if (probes_ || (++breaker->failures_ >= breaker->options_.failure_threshold && breaker->opened_at_ == kNotOpen))
    breaker->open();
  give_back();
}

void CircuitBreaker::open() {
  successes_ = 0;
  opened_at_ = std::max<int64_t>(nanoseconds(clock_.now()), kNotOpen + 1);
}

Duration CircuitBreaker::wait_time() const {
  int64_t opened_at = opened_at_.load(std::memory_order_acquire);
  if (opened_at == kNotOpen) return Duration(0);
  Duration passed(nanoseconds(clock_.now()) - opened_at);
  return std::max<Duration>(options_.reset_timeout - passed, Duration(0));
}

CircuitBreaker::State CircuitBreaker::state() const {
  if (opened_at_.load(std::memory_order_acquire) == kNotOpen) return State::kClosed;
  return wait_time() > Duration(0) ? State::kOpen : State::kHalfOpen;
}

CircuitBreaker::Call CircuitBreaker::admit() {
  State now = state();
  if (now == State::kClosed) return {*this, false};
  if (now == State::kOpen || probing_.exchange(true)) return {};
  return {*this, true};
}

}  // namespace fiso::link

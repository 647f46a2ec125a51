// While it lives, the caller's body is read up to a deadline: then reading ends, for good.
//
// Borrows the exchange. Threading: shard-local.
#pragma once

#include "async/shard.h"
#include "net/alarm.h"
#include "net/streaming_service.h"

namespace fiso::link {

class BodyDeadline {
 public:
  BodyDeadline(async::Shard& shard, net::ServerExchange& exchange, MonotonicTime deadline)
      : exchange_(exchange), alarm_(shard.watchdog(), this, ring) {
    if (!exchange.body_here()) alarm_.set(deadline);
  }

  bool passed() const { return passed_; }

 private:
  static void ring(void* self) noexcept {
    auto& deadline = *static_cast<BodyDeadline*>(self);
    deadline.passed_ = true;
    deadline.exchange_.stop_reading();
  }

  net::ServerExchange& exchange_;
  net::Alarm alarm_;
  bool passed_ = false;
};

}  // namespace fiso::link

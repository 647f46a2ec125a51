// How many bytes of requests the process holds at a time, those of bodies and of large heads, and how often that was not enough.
//
// Shared by all servers that are told of it. A body counts from its arrival until its request has been answered; what a
// connection may hold for nothing (see server_connection.cc) is bounded by the number of connections instead. Thread-safe.
#pragma once

#include "async/limiter.h"
#include "base/units.h"
#include "observe/metrics.h"

namespace fiso::net {

struct BodyBudget {
  BodyBudget(async::ShardSet& shards, Bytes most, observe::Counter& refused_count)
      : bytes(shards, most.count, 0), refused(refused_count) {}

  async::Limiter bytes;
  observe::Counter& refused;  // requests that were answered 503 for want of bytes
};

}  // namespace fiso::net

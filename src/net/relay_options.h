// How requests are relayed: see relay.h.
#pragma once

#include "base/clock.h"

namespace fiso::net {

// Zero: none.
struct RelayOptions {
  // To the head of the answer, connecting included; begins anew whenever the target has taken a piece of the body.
  Duration timeout = std::chrono::seconds(60);
  // Between two pieces of the answer, and of what follows an upgrade.
  Duration idle_timeout = std::chrono::minutes(5);
  // The same of what follows an upgrade once the target has ended its side.
  Duration end_timeout = std::chrono::seconds(10);
  enum class Host { kKeep, kTarget };  // the caller's Host field, or the one of the client's origin
  Host host = Host::kKeep;
  enum class Forwarded { kAdd, kLeave };  // appends to X-Forwarded-For, replaces X-Forwarded-Proto and -Host
  Forwarded forwarded = Forwarded::kAdd;
};

}  // namespace fiso::net

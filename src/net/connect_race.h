// A TCP connection to whichever of several addresses takes it first, begun in their order (after RFC 8305).
//
// The next address is tried when one fails, or after 250 ms without an answer, while those before it go on: one that swallows
// packets costs that much, not the caller's time.
#pragma once

#include <span>

#include "async/shard.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/stream.h"

namespace fiso::net {

struct Connected {
  Socket socket;
  asio::ip::tcp::endpoint address;
  size_t begun;  // of the addresses, from the first on, have been tried: but for this one they failed or said nothing yet
};

// `addresses` are borrowed until the Task completes; there is at least one. The error is that of the last one that failed, or
// kTimeout.
Task<Result<Connected>> connect_to_any(async::Shard& shard, std::span<const asio::ip::tcp::endpoint> addresses,
                                       MonotonicTime deadline);

// "192.0.2.1:80", "[2001:db8::1]:80".
std::string to_text(const asio::ip::tcp::endpoint& address);

}  // namespace fiso::net

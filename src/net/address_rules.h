// Which addresses a client may connect to, decided on the address that is really used: a name proves nothing.
//
// Never, unless listed: link-local addresses, those where clouds hand out credentials to whoever asks, and those that are
// nobody's (unspecified, multicast, broadcast, reserved). Without kPrivate also none that belongs to this machine or its
// neighbours. An IPv6 address that leads to an IPv4 one (mapped, translated, NAT64, 6to4, Teredo) is judged as that one.
// Immutable, thread-safe.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "net/address_block.h"

namespace fiso::net {

class AddressRules {
 public:
  enum class Private { kAllowed, kRefused };

  AddressRules() = default;
  AddressRules(Private neighbours, std::vector<AddressBlock> listed) : neighbours_(neighbours), listed_(std::move(listed)) {}

  // What it is that may not be connected to ("a link-local address"); empty for one that may.
  std::string_view refusal(const boost::asio::ip::address& address) const;

 private:
  Private neighbours_ = Private::kAllowed;
  std::vector<AddressBlock> listed_;
};

}  // namespace fiso::net

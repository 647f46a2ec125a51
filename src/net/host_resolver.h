// The addresses of one host, looked up off the shard and kept for a while.
//
// getaddrinfo tells no time to live, so 30 seconds are assumed. However many ask at once, one lookup runs. Threading:
// shard-local.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <vector>

#include "async/blocking_pool.h"
#include "async/shard.h"
#include "base/clock.h"
#include "base/result.h"

namespace fiso::net {

class HostResolver {
 public:
  using Addresses = std::vector<asio::ip::tcp::endpoint>;

  HostResolver(async::Shard& shard, async::BlockingPool& blocking, std::string host, uint16_t port);

  // At least one address, the one that worked last in front. kUnavailable, kTimeout or kOverloaded.
  Task<Result<Addresses>> resolve(MonotonicTime deadline);
  void worked(const asio::ip::tcp::endpoint& address);
  // None did: look up again next time.
  void none_worked();

 private:
  struct Cache;
  bool look_up();

  async::Shard& shard_;
  async::BlockingPool& blocking_;
  const std::string host_;
  const uint16_t port_;
  std::shared_ptr<Cache> cache_;  // shared with a lookup that may end after us
};

}  // namespace fiso::net

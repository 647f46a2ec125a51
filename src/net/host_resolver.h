// The addresses of one host, looked up off the shard and kept for as long as DNS says: at least a second, at most five minutes.
//
// However many ask at once, one lookup runs. That there is no such name, or no answer, is kept for a second, so a name that is
// missing is not asked for by every request. Threading: shard-local.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/blocking_pool.h"
#include "async/shard.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/name_lookup.h"

namespace fiso::net {

class HostResolver {
 public:
  // `servers` as of look_up_name(); the clock, for how long things are kept, is borrowed.
  HostResolver(async::Shard& shard, async::BlockingPool& blocking, std::string host, uint16_t port,
               std::vector<std::string> servers = {}, const Clock& clock = Clock::system());

  // At least one address, the one that worked last in front. kUnavailable, kTimeout or kOverloaded.
  Task<Result<Addresses>> resolve(MonotonicTime deadline);
  void worked(const asio::ip::tcp::endpoint& address);
  // None did: they are kept for no longer than a second.
  void none_worked();

 private:
  struct Cache;
  bool look_up();

  async::Shard& shard_;
  async::BlockingPool& blocking_;
  const std::string host_;
  const uint16_t port_;
  const std::vector<std::string> servers_;
  const Clock& clock_;
  std::shared_ptr<Cache> cache_;  // shared with a lookup that may end after us
};

}  // namespace fiso::net

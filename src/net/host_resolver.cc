#include "net/host_resolver.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "async/signal.h"

namespace fiso::net {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds kShortest{1};
constexpr std::chrono::minutes kLongest{5};

}  // namespace

struct HostResolver::Cache {
  Addresses addresses;
  std::optional<Error> failure;  // of the last lookup
  MonotonicTime learnt = MonotonicTime::min();
  MonotonicTime fresh_until = MonotonicTime::min();
  bool looking_up = false;
  std::vector<async::Signal*> waiting;

  void learn(Result<FoundAddresses> result, MonotonicTime now) {
    looking_up = false;
    learnt = now;
    failure.reset();
    Duration keep = kShortest;
    if (result.has_value()) {
      keep = std::clamp<Duration>(result->time_to_live, kShortest, kLongest);
      addresses = std::move(result->addresses);
    } else {
      failure = result.take_error();
    }
    fresh_until = now + keep;
    for (async::Signal* signal : std::exchange(waiting, {})) signal->set();
  }

  Result<Addresses> answer() const {
    if (failure) return *failure;
    return addresses;
  }
};

HostResolver::HostResolver(async::Shard& shard, async::BlockingPool& blocking, std::string host, uint16_t port,
                           std::vector<std::string> servers, const Clock& clock)
    : shard_(shard),
      blocking_(blocking),
      host_(std::move(host)),
      port_(port),
      servers_(std::move(servers)),
      clock_(clock),
      cache_(std::make_shared<Cache>()) {
  boost::system::error_code error;
  auto literal = asio::ip::make_address(host_, error);
  if (error) return;
  cache_->addresses = {tcp::endpoint(literal, port_)};
  cache_->fresh_until = kNever;
}

Task<Result<Addresses>> HostResolver::resolve(MonotonicTime deadline) {
  if (clock_.now() < cache_->fresh_until) co_return cache_->answer();
  if (!cache_->looking_up && !look_up()) co_return Error(ErrorCode::kOverloaded, "too many blocking operations are waiting");
  std::shared_ptr<Cache> cache = cache_;
  async::Signal done(shard_.executor());
  cache->waiting.push_back(&done);
  if (!co_await done.wait(deadline)) {
    std::erase(cache->waiting, &done);
    co_return Error(ErrorCode::kTimeout, "timeout").with_context("look up " + host_);
  }
  co_return cache->answer();
}

bool HostResolver::look_up() {
  cache_->looking_up = blocking_.submit([&shard = shard_, &clock = clock_, cache = cache_, host = host_, port = port_,
                                         servers = servers_]() mutable {
    auto result = std::make_shared<Result<FoundAddresses>>(look_up_name(host, port, servers));
    shard.post([&clock, cache = std::move(cache), result = std::move(result)] { cache->learn(std::move(*result), clock.now()); });
  });
  return cache_->looking_up;
}

void HostResolver::worked(const tcp::endpoint& address) {
  auto& all = cache_->addresses;
  auto at = std::ranges::find(all, address);
  if (at != all.end() && at != all.begin()) std::rotate(all.begin(), at, at + 1);
}

void HostResolver::none_worked() {
  if (cache_->fresh_until != kNever) cache_->fresh_until = std::min(cache_->fresh_until, cache_->learnt + kShortest);
}

}  // namespace fiso::net

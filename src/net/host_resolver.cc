#include "net/host_resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "async/signal.h"

namespace fiso::net {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds kTimeToLive{30};

// Blocks.
Result<HostResolver::Addresses> query(const std::string& host, uint16_t port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  if (int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0)
    return Error(ErrorCode::kUnavailable, "name resolution failed").with_context(host + ": " + gai_strerror(code));
  std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  HostResolver::Addresses addresses;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    tcp::endpoint address;
    if (entry->ai_addrlen > address.capacity()) continue;
    std::memcpy(address.data(), entry->ai_addr, entry->ai_addrlen);
    address.resize(entry->ai_addrlen);
    addresses.push_back(address);
  }
  if (addresses.empty()) return Error(ErrorCode::kUnavailable, "name resolution failed").with_context(host);
  return addresses;
}

}  // namespace

struct HostResolver::Cache {
  Addresses addresses;
  MonotonicTime fresh_until = MonotonicTime::min();
  std::optional<Error> failure;  // of the last lookup
  bool looking_up = false;
  std::vector<async::Signal*> waiting;

  void learn(Result<Addresses> result) {
    looking_up = false;
    failure.reset();
    if (result.has_value()) {
      addresses = std::move(*result);
      fresh_until = std::chrono::steady_clock::now() + kTimeToLive;
    } else {
      failure = result.take_error();
    }
    for (async::Signal* signal : std::exchange(waiting, {})) signal->set();
  }
};

HostResolver::HostResolver(async::Shard& shard, async::BlockingPool& blocking, std::string host, uint16_t port)
    : shard_(shard), blocking_(blocking), host_(std::move(host)), port_(port), cache_(std::make_shared<Cache>()) {
  boost::system::error_code error;
  auto literal = asio::ip::make_address(host_, error);
  if (error) return;
  cache_->addresses = {tcp::endpoint(literal, port_)};
  cache_->fresh_until = kNever;
}

Task<Result<HostResolver::Addresses>> HostResolver::resolve(MonotonicTime deadline) {
  if (std::chrono::steady_clock::now() < cache_->fresh_until) co_return cache_->addresses;
  if (!cache_->looking_up && !look_up()) co_return Error(ErrorCode::kOverloaded, "too many blocking operations are waiting");
  std::shared_ptr<Cache> cache = cache_;
  async::Signal done(shard_.executor());
  cache->waiting.push_back(&done);
  if (!co_await done.wait(deadline)) {
    std::erase(cache->waiting, &done);
    co_return Error(ErrorCode::kTimeout, "timeout").with_context("look up " + host_);
  }
  if (cache->failure) co_return *cache->failure;
  co_return cache->addresses;
}

bool HostResolver::look_up() {
  cache_->looking_up = blocking_.submit([&shard = shard_, cache = cache_, host = host_, port = port_]() mutable {
    auto result = std::make_shared<Result<Addresses>>(query(host, port));
    shard.post([cache = std::move(cache), result = std::move(result)] { cache->learn(std::move(*result)); });
  });
  return cache_->looking_up;
}

void HostResolver::worked(const tcp::endpoint& address) {
  auto& all = cache_->addresses;
  auto at = std::ranges::find(all, address);
  if (at != all.end() && at != all.begin()) std::rotate(all.begin(), at, at + 1);
}

void HostResolver::none_worked() {
  if (cache_->fresh_until != kNever) cache_->fresh_until = MonotonicTime::min();
}

}  // namespace fiso::net

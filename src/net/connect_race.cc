#include "net/connect_race.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "async/signal.h"
#include "net/client_connection.h"

namespace fiso::net {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds kNextAfter{250};  // RFC 8305 section 5

// Shared with the callbacks of its sockets, which may come after whoever ran it has gone.
struct Race {
  explicit Race(async::Shard& on) : shard(on), changed(on.executor()) {}

  async::Shard& shard;
  async::Signal changed;
  std::vector<std::unique_ptr<Socket>> sockets;
  size_t pending = 0, failed = 0;
  std::optional<size_t> winner;
  std::optional<Error> last_error;

  static void start(const std::shared_ptr<Race>& race, const tcp::endpoint& address) {
    size_t number = race->sockets.size();
    race->sockets.push_back(std::make_unique<Socket>(race->shard.executor()));
    ++race->pending;
    race->sockets.back()->async_connect(address,
                                        [race, number, address](SystemError error) { race->ended(number, address, error); });
  }

  void ended(size_t number, const tcp::endpoint& address, SystemError error) {
    --pending;
    if (!error && !winner) {
      winner = number;
    } else if (error) {
      ++failed;
      last_error = client_network_error(error).with_context("connect " + to_text(address));
    }
    changed.set();
  }

  void close() {
    SystemError ignored;
    for (auto& socket : sockets) socket->close(ignored);
  }
};

}  // namespace

Task<Result<Connected>> connect_to_any(async::Shard& shard, std::span<const tcp::endpoint> addresses, MonotonicTime deadline) {
  auto race = std::make_shared<Race>(shard);
  MonotonicTime next = MonotonicTime::min();
  size_t failures_seen = 0;
  while (!race->winner) {
    size_t begun = race->sockets.size();
    bool more = begun < addresses.size();
    if (!more && race->pending == 0) co_return *race->last_error;
    MonotonicTime now = std::chrono::steady_clock::now();
    if (now >= deadline) break;
    if (more && (now >= next || race->failed > failures_seen)) {
      failures_seen = race->failed;
      Race::start(race, addresses[begun]);
      next = now + kNextAfter;
      continue;
    }
    failures_seen = race->failed;
    race->changed.reset();
    co_await race->changed.wait(more ? std::min(next, deadline) : deadline);
  }
  if (!race->winner) {
    race->close();
    co_return Error(ErrorCode::kTimeout, "timeout").with_context("connect " + to_text(addresses.front()));
  }
  Socket socket = std::move(*race->sockets[*race->winner]);
  race->close();
  co_return Connected{std::move(socket), addresses[*race->winner], race->sockets.size()};
}

std::string to_text(const tcp::endpoint& address) {
  std::string host = address.address().to_string();
  return (address.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(address.port());
}

}  // namespace fiso::net

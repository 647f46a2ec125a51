#include "net/server_shard.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "async/signal.h"
#include "async/spawn.h"
#include "base/check.h"

namespace fiso::net {
namespace {

constexpr std::chrono::milliseconds kAcceptBackOff{50};
constexpr std::chrono::seconds kRefusalTime{1};
constexpr size_t kRefusedAtOnce = 256;  // beyond it a connection too many is closed without an answer
constexpr uint32_t kRefusedLines = 5;   // per second

constexpr std::string_view kRefusal =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
    "Retry-After: 1\r\nContent-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";

// Nothing that is wrong with one connection: descriptors or memory are short, and trying at once would only spin.
bool out_of_resources(SystemError error) {
  return error == asio::error::no_descriptors || error.value() == ENFILE || error == asio::error::no_buffer_space ||
         error == asio::error::no_memory;
}

Task<> run(std::unique_ptr<ServerConnection> connection, [[maybe_unused]] async::Gate::Pass pass) {
  co_await connection->serve();
}

}  // namespace

ServerConnection::ServerConnection(ServerShard& shard)
    : Entry(shard.shard().watchdog()), shard_(shard), place_(shard.connections_.size()) {
  shard.connections_.push_back(this);
}

ServerConnection::~ServerConnection() {
  auto& all = shard_.connections_;
  all[place_] = all.back();
  all[place_]->place_ = place_;
  all.pop_back();
  shard_.load_.fetch_sub(1, std::memory_order_relaxed);
  shard_.shared_.connections.fetch_sub(1, std::memory_order_relaxed);
  shard_.shared_.budget.give_back();
}

ServerShard::ServerShard(async::Shard& shard, ServerShared& shared, HttpService& service)
    : shard_(shard),
      shared_(shared),
      service_(service),
      tls_(shared.tls),
      acceptor_(shard.executor()),
      accepting_(shard.executor()),
      inside_(shard.executor()),
      refused_(shard.watchdog()),
      refused_log_(shared.refusals != nullptr ? shared.refusals->log() : observe::Log(), observe::LogLevel::kWarn,
                   kRefusedLines) {}

void ServerShard::accept_from(Acceptor acceptor) {
  acceptor_ = std::move(acceptor);
  async::spawn(shard_, accept(accepting_.enter()));
}

Task<> ServerShard::accept([[maybe_unused]] async::Gate::Pass pass) {
  while (co_await accept_one()) {}
}

Task<bool> ServerShard::accept_one() {
  auto [error, socket] = co_await acceptor_.async_accept(async::kTuple);
  if (!error) place(std::move(socket));
  if (out_of_resources(error)) {
    tell_cannot_accept(error);
    co_await async::sleep_until(std::chrono::steady_clock::now() + kAcceptBackOff);
  }
  co_return acceptor_.is_open();
}

// Each attempt: how many wait nobody knows. The kernel looks for a descriptor before it looks whether one waits at all.
void ServerShard::tell_cannot_accept(SystemError error) {
  pollfd look{.fd = acceptor_.native_handle(), .events = POLLIN, .revents = 0};
  if (shared_.refusals == nullptr || !acceptor_.is_open() || ::poll(&look, 1, 0) <= 0) return;
  shared_.refusals->count(ConnectionRefusal::kNoDescriptors);
  refused_log_.write("http connections cannot be accepted",
                     {{"reason", to_string(ConnectionRefusal::kNoDescriptors)}, {"error", error.message()}});
}

// Whichever shard woke up first accepted it; it belongs where the fewest are.
void ServerShard::place(Socket socket) {
  ServerShard* least = this;
  for (auto& other : shared_.shards)
    if (other->load() < least->load()) least = other.get();
  if (least == this) return start(std::move(socket));
  SystemError error;
  int fd = socket.release(error);
  if (!error) least->adopt_later(fd);
}

void ServerShard::adopt_later(int fd) {
  load_.fetch_add(1, std::memory_order_relaxed);  // counted at once, so that a burst is spread
  shard_.post([this, fd] {
    load_.fetch_sub(1, std::memory_order_relaxed);
    Socket socket(shard_.executor());
    SystemError error;
    socket.assign(asio::ip::tcp::v6(), fd, error);
    if (error)
      ::close(fd);
    else
      start(std::move(socket));
  });
}

bool ServerShard::adopt_local(Socket socket) {
  FISO_CHECK(splicing_ == nullptr, "HTTP only");
  if (draining_) return false;
  start(std::move(socket), Origin::kProcess);
  return true;
}

void ServerShard::start(Socket socket, Origin origin) {
  if (!shared_.budget.take()) return refuse(std::move(socket));
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  shared_.accepted.fetch_add(1, std::memory_order_relaxed);
  load_.fetch_add(1, std::memory_order_relaxed);
  auto connection = make_connection(std::move(socket), origin);
  if (connection == nullptr) return;
  connection->is_local_ = origin == Origin::kProcess;
  async::spawn(shard_, run(std::move(connection), inside_.enter()));
}

// Inside the process there is nobody to hide from.
std::unique_ptr<ServerConnection> ServerShard::make_connection(Socket socket, Origin origin) {
  if (splicing_ != nullptr) return make_splice_connection(*this, std::move(socket), *splicing_);
  return tls_ && origin == Origin::kNetwork ? make_tls_connection(*this, std::move(socket))
                                            : make_plain_connection(*this, std::move(socket));
}

// One write into a fresh socket never waits. What the client sent stays unread for a second: closing at once would reset the
// connection and could take the answer away again.
void ServerShard::refuse(Socket socket) {
  shared_.refused.fetch_add(1, std::memory_order_relaxed);
  if (shared_.refusals != nullptr) {
    shared_.refusals->count(ConnectionRefusal::kTooMany);
    refused_log_.write("http connection refused", {{"reason", to_string(ConnectionRefusal::kTooMany)},
                                                   {"remote", remote_address_of(socket)},
                                                   {"limit", shared_.budget.most()}});
  }
  if (tls_ || splicing_ != nullptr || refused_.sockets.size() >= kRefusedAtOnce) return;
  (void)!::send(socket.native_handle(), kRefusal.data(), kRefusal.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket.native_handle(), SHUT_WR);
  MonotonicTime until = std::chrono::steady_clock::now() + kRefusalTime;
  if (refused_.sockets.empty()) refused_.set(until);
  refused_.sockets.emplace_back(until, std::move(socket));
}

void ServerShard::tell_refused(Refusal refusal, int status, std::string_view text, std::string_view remote_address) {
  if (shared_.refusals == nullptr) return;
  shared_.refusals->count(refusal);
  refused_log_.write("http request refused",
                     {{"reason", to_string(refusal)}, {"status", status}, {"error", text}, {"remote", remote_address}});
}

void ServerShard::tell_refused(ConnectionRefusal refusal, std::string_view text, std::string_view remote_address) {
  if (shared_.refusals == nullptr) return;
  shared_.refusals->count(refusal);
  refused_log_.write("http connection refused", {{"reason", to_string(refusal)}, {"error", text}, {"remote", remote_address}});
}

void ServerShard::Refused::expired() noexcept {
  MonotonicTime now = std::chrono::steady_clock::now();
  while (!sockets.empty() && sockets.front().first <= now) sockets.pop_front();
  if (!sockets.empty()) set(sockets.front().first);
}

Task<> ServerShard::stop_accepting() {
  SystemError ignored;
  acceptor_.close(ignored);
  accepting_.close();
  co_await accepting_.wait_empty();
}

void ServerShard::begin_drain() {
  draining_ = true;
  auto all = connections_;  // ending one may change the list
  for (ServerConnection* connection : all) {
    connection->hurry();
    if (connection->is_local_) connection->end_if_idle();  // no request comes on it any more
  }
}

Task<bool> ServerShard::drain(MonotonicTime grace_end, MonotonicTime deadline) {
  drain_write_patience_ = (deadline - std::chrono::steady_clock::now()) / 2;
  for (ServerConnection* connection : connections_) connection->hurry_writing();
  bool empty = co_await inside_.wait_empty(std::min(grace_end, deadline));
  if (!empty && grace_end < deadline) {
    auto waiting = connections_;  // ending one may change the list
    for (ServerConnection* connection : waiting) connection->end_if_idle();
    empty = co_await inside_.wait_empty(deadline);
  }
  co_return empty || cut_connections() == 0;
}

// Returns how many had a request under way: one that is here, or at least its head where bodies are streams.
size_t ServerShard::cut_connections() {
  using Phase = ServerConnection::Phase;
  size_t busy = 0;
  for (ServerConnection* connection : connections_) {
    if (connection->phase() == Phase::kHandling || connection->phase() == Phase::kWriting) ++busy;
    connection->cut();
  }
  return busy;
}

Task<> ServerShard::cut_all() {
  cut_connections();
  co_await inside_.wait_empty();
}

}  // namespace fiso::net

#include "net/http_server.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <latch>
#include <utility>

#include "async/signal.h"
#include "async/spawn.h"
#include "base/check.h"
#include "base/file_handle.h"
#include "net/listen_socket.h"
#include "net/server_shard.h"

namespace fiso::net {

struct HttpServer::State {
  explicit State(ServerOptions options) : address(std::move(options.address)), tls(std::move(options.tls)), shared(options) {}

  const std::string address;
  const std::optional<TlsServerOptions> tls;
  ServerShared shared;
  int fd = -1;
  std::vector<std::optional<Acceptor>> acceptors;  // by shard, from bind() to start()
};

namespace {

constexpr std::chrono::milliseconds kHandshakeTime{100};  // a round trip to a client, with room to spare

// Drops every packet that would begin a connection; the client tries again a second later and finds the port closed, or
// our successor's.
void refuse_handshakes(int fd) {
  constexpr uint32_t kFlagsByte = 13, kSyn = 0x02, kSynOrAck = 0x12;  // of the TCP header, RFC 9293 section 3.1
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlagsByte),  BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynOrAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  sock_fprog program{std::size(code), code};
  // Without filters in the kernel a backlog of nothing is the best there is.
  if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) ::listen(fd, 0);
}

// Runs a task of every shard's part and waits for all of them; not from a shard.
template <class F>
void on_each(std::vector<std::unique_ptr<ServerShard>>& parts, F make_task) {
  std::latch done(static_cast<std::ptrdiff_t>(parts.size()));
  for (auto& part : parts) {
    part->shard().post([&make_task, &done, part = part.get()] {
      async::spawn(part->shard(), [](Task<> task, std::latch& latch) -> Task<> {
        co_await std::move(task);
        latch.count_down();
      }(make_task(*part), done));
    });
  }
  done.wait();
}

}  // namespace

HttpServer::HttpServer(async::ShardSet& shards, ServerOptions options, ServiceOf service_of)
    : shards_(shards), service_of_(std::move(service_of)), state_(std::make_unique<State>(std::move(options))) {}

HttpServer::~HttpServer() { stop(); }

Result<> HttpServer::bind() {
  FISO_CHECK(phase_ == Phase::kNew);
  if (state_->tls) {
    FISO_TRY(state_->shared.tls, make_tls_server_context(*state_->tls));
  }
  FISO_TRY(ListenSocket socket, open_listen_socket(state_->address));
  state_->fd = socket.fd;
  port_ = socket.port;
  phase_ = Phase::kBound;
  return open_acceptors();
}

// A descriptor of the port for each shard, known to its event loop.
Result<> HttpServer::open_acceptors() {
  state_->acceptors.resize(shards_.count());
  std::vector<SystemError> errors(shards_.count());
  shards_.run_on_each([&](async::Shard& shard) {
    SystemError& error = errors[shard.index()];
    FileHandle fd(::fcntl(state_->fd, F_DUPFD_CLOEXEC, 0));
    if (!fd) error.assign(errno, boost::system::system_category());
    Acceptor& acceptor = state_->acceptors[shard.index()].emplace(shard.executor());
    if (!error) acceptor.assign(asio::ip::tcp::v6(), fd.get(), error);  // the family only matters to calls that we do not make
    if (!error) fd.release();
  });
  auto failed = std::ranges::find_if(errors, [](const SystemError& error) { return error.failed(); });
  if (failed == errors.end()) return {};
  return Error(ErrorCode::kUnavailable, "listen " + state_->address + ": " + errno_text(failed->value()));
}

Result<> HttpServer::bind_beside(const HttpServer& other) {
  FISO_CHECK(phase_ == Phase::kNew && other.state_->fd >= 0);
  state_->shared.tls = other.state_->shared.tls;
  state_->fd = ::fcntl(other.state_->fd, F_DUPFD_CLOEXEC, 0);
  if (state_->fd < 0) return Error(ErrorCode::kUnavailable, "listen " + state_->address + ": " + errno_text(errno));
  port_ = other.port_;
  phase_ = Phase::kBound;
  return open_acceptors();
}

void HttpServer::bind_nowhere() {
  FISO_CHECK(phase_ == Phase::kNew && !state_->tls);
  phase_ = Phase::kBound;
}

void HttpServer::use_tls(TlsContext context) {
  FISO_CHECK(state_->shared.tls != nullptr && context != nullptr, "tls is not switched on or off");
  state_->shared.tls = std::move(context);
  if (phase_ != Phase::kServing) return;
  auto& parts = state_->shared.shards;
  shards_.run_on_each([&](async::Shard& shard) { parts[shard.index()]->use_tls(state_->shared.tls); });
}

void HttpServer::start() {
  FISO_CHECK(phase_ == Phase::kBound);
  auto& parts = state_->shared.shards;
  parts.resize(shards_.count());
  shards_.run_on_each([&](async::Shard& shard) {
    parts[shard.index()] = std::make_unique<ServerShard>(shard, state_->shared, service_of_(shard));
  });
  // Only now: a part that accepts may place a connection on any other.
  if (state_->fd >= 0) accept_on_each();
  phase_ = Phase::kServing;
}

void HttpServer::accept_on_each() {
  auto& parts = state_->shared.shards;
  shards_.run_on_each([&](async::Shard& shard) {
    parts[shard.index()]->accept_from(std::move(*std::exchange(state_->acceptors[shard.index()], std::nullopt)));
  });
}

Result<Socket> HttpServer::connect(async::Shard& shard) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    return Error(ErrorCode::kUnavailable, "no connection: " + errno_text(errno));
  FileHandle ours(ends[0]), clients(ends[1]);
  Socket accepted(shard.executor()), connected(shard.executor());
  SystemError error;
  accepted.assign(asio::ip::tcp::v6(), ours.get(), error);  // the family only matters to calls that we do not make
  if (!error) ours.release();
  if (!error) connected.assign(asio::ip::tcp::v6(), clients.get(), error);
  if (!error) clients.release();
  if (!error && state_->shared.shards[shard.index()]->adopt_local(std::move(accepted))) return connected;
  return Error(ErrorCode::kUnavailable, error ? "no connection: " + error.message() : "the service stops");
}

// Closing a listening socket resets the connections in its queue, and those whose handshake the client believes to be over.
// So nothing new is let in first, while everything that has begun is still accepted.
void HttpServer::begin_drain(Port port) {
  if (phase_ != Phase::kServing) return;
  phase_ = Phase::kDraining;
  port_after_ = port;
  if (port == Port::kCloses && state_->fd >= 0) refuse_handshakes(state_->fd);
  auto& parts = state_->shared.shards;
  shards_.run_on_each([&](async::Shard& shard) { parts[shard.index()]->begin_drain(); });
  drain_began_ = std::chrono::steady_clock::now();
}

// On every shard: the port is left, and when all have left it what waits there is accepted, and everything comes to its end.
// Nobody waits for that on a thread, so that a stop needs none.
struct HttpServer::Draining {
  Draining(State& server, Port after, MonotonicTime grace, MonotonicTime cut)
      : state(server),
        port_after(after),
        grace_end(grace),
        deadline(cut),
        at_port(server.shared.shards.size()),
        under_way(server.shared.shards.size()) {}

  static Task<> leave_port(Draining& self, ServerShard& part, MonotonicTime not_before) {
    co_await async::sleep_until(not_before);
    co_await part.stop_accepting();
    if (self.at_port.fetch_sub(1) > 1) co_return;
    bool has_port = self.state.fd >= 0;
    if (has_port && self.port_after == Port::kCloses) self.accept_the_rest();
    if (has_port) ::close(std::exchange(self.state.fd, -1));
    // Posted, as those that were accepted are: behind them.
    for (auto& each : self.state.shared.shards)
      each->shard().post([&self, &each] { async::spawn(each->shard(), come_to_end(self, *each)); });
  }

  static Task<> come_to_end(Draining& self, ServerShard& part) {
    if (!co_await part.drain(self.grace_end, self.deadline)) self.clean = false;
    if (self.under_way.fetch_sub(1) > 1) co_return;
    std::promise<Drained> end = std::move(self.end);  // whoever waits for it may destroy us
    end.set_value(self.clean ? Drained::kClean : Drained::kCut);
  }

  void accept_the_rest() {
    auto& parts = state.shared.shards;
    for (size_t i = 0;; ++i) {
      int fd = ::accept4(state.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (fd < 0) break;
      parts[i % parts.size()]->adopt_later(fd);
    }
  }

  State& state;
  const Port port_after;
  const MonotonicTime grace_end, deadline;
  std::atomic<size_t> at_port, under_way;  // shards
  std::atomic<bool> clean{true};
  std::promise<Drained> end;
};

std::shared_future<HttpServer::Drained> HttpServer::finish_drain(MonotonicTime deadline) {
  if (drained_.valid()) return drained_;
  MonotonicTime grace_end = std::min(deadline, drain_began_ + state_->shared.limits.drain_grace);
  draining_ = std::make_unique<Draining>(*state_, port_after_, grace_end, deadline);
  drained_ = draining_->end.get_future().share();
  if (phase_ != Phase::kDraining) {
    draining_->end.set_value(Drained::kClean);
    return drained_;
  }
  MonotonicTime handshakes_end = port_after_ == Port::kCloses ? drain_began_ + kHandshakeTime : drain_began_;
  MonotonicTime port_end = std::min(grace_end, handshakes_end);
  for (auto& part : state_->shared.shards) async::spawn(part->shard(), Draining::leave_port(*draining_, *part, port_end));
  return drained_;
}

HttpServer::Drained HttpServer::wait_drained(MonotonicTime deadline) { return finish_drain(deadline).get(); }

HttpServer::Drained HttpServer::drain(MonotonicTime deadline) {
  begin_drain();
  return wait_drained(deadline);
}

void HttpServer::stop() {
  auto& parts = state_->shared.shards;
  if (drained_.valid()) drained_.wait();
  if (phase_ == Phase::kServing || (phase_ == Phase::kDraining && !drained_.valid()))
    on_each(parts, [](ServerShard& part) { return part.stop_accepting(); });
  if (phase_ == Phase::kServing || phase_ == Phase::kDraining) {
    on_each(parts, [](ServerShard& part) { return part.cut_all(); });
    shards_.run_on_each([&](async::Shard& shard) { parts[shard.index()].reset(); });
  }
  if (phase_ == Phase::kBound && !state_->acceptors.empty())
    shards_.run_on_each([&](async::Shard& shard) { state_->acceptors[shard.index()].reset(); });
  if (state_->fd >= 0) ::close(std::exchange(state_->fd, -1));
  phase_ = Phase::kStopped;
}

ServerStats HttpServer::stats() const {
  const ServerShared& shared = state_->shared;
  return {shared.accepted.load(), shared.refused.load(), shared.bad_requests.load(), shared.timeouts.load(),
          shared.connections.load()};
}

}  // namespace fiso::net

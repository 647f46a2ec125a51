#include "net/http_server.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <latch>
#include <thread>
#include <utility>

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
  Drained outcome = Drained::kClean;
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
  return {};
}

Result<> HttpServer::bind_beside(const HttpServer& other) {
  FISO_CHECK(phase_ == Phase::kNew && other.state_->fd >= 0);
  state_->shared.tls = other.state_->shared.tls;
  state_->fd = ::fcntl(other.state_->fd, F_DUPFD_CLOEXEC, 0);
  if (state_->fd < 0) return Error(ErrorCode::kUnavailable, "listen " + state_->address + ": " + errno_text(errno));
  port_ = other.port_;
  phase_ = Phase::kBound;
  return {};
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
  shards_.run_on_each([&](async::Shard& shard) {
    int fd = ::dup(state_->fd);
    FISO_CHECK(fd >= 0, "no descriptor left to start a server");
    parts[shard.index()]->accept_from(fd);
  });
  phase_ = Phase::kServing;
}

// Closing a listening socket resets the connections in its queue, and those whose handshake the client believes to be over.
// So nothing new is let in first, while everything that has begun is still accepted.
void HttpServer::begin_drain(Port port) {
  if (phase_ != Phase::kServing) return;
  phase_ = Phase::kDraining;
  port_after_ = port;
  if (port == Port::kCloses) refuse_handshakes(state_->fd);
  auto& parts = state_->shared.shards;
  shards_.run_on_each([&](async::Shard& shard) { parts[shard.index()]->begin_drain(); });
  drain_began_ = std::chrono::steady_clock::now();
}

void HttpServer::close_port(MonotonicTime not_before) {
  if (port_after_ == Port::kCloses) std::this_thread::sleep_until(not_before);
  on_each(state_->shared.shards, [](ServerShard& part) { return part.stop_accepting(); });
  if (port_after_ == Port::kCloses) accept_the_rest();
  ::close(std::exchange(state_->fd, -1));
}

void HttpServer::accept_the_rest() {
  auto& parts = state_->shared.shards;
  for (size_t i = 0;; ++i) {
    int fd = ::accept4(state_->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (fd < 0) break;
    parts[i % parts.size()]->adopt_later(fd);
  }
}

HttpServer::Drained HttpServer::wait_drained(MonotonicTime deadline) {
  if (phase_ != Phase::kDraining) return state_->outcome;
  MonotonicTime grace_end = std::min(deadline, drain_began_ + state_->shared.limits.drain_grace);
  if (state_->fd >= 0) close_port(std::min(grace_end, drain_began_ + kHandshakeTime));
  std::atomic<bool> clean{true};
  on_each(state_->shared.shards, [&](ServerShard& part) {
    return [](ServerShard& drained, MonotonicTime grace, MonotonicTime end, std::atomic<bool>& all_clean) -> Task<> {
      if (!co_await drained.drain(grace, end)) all_clean = false;
    }(part, grace_end, deadline, clean);
  });
  state_->outcome = clean ? Drained::kClean : Drained::kCut;
  return state_->outcome;
}

HttpServer::Drained HttpServer::drain(MonotonicTime deadline) {
  begin_drain();
  return wait_drained(deadline);
}

void HttpServer::stop() {
  auto& parts = state_->shared.shards;
  if (phase_ == Phase::kServing || (phase_ == Phase::kDraining && state_->fd >= 0))
    on_each(parts, [](ServerShard& part) { return part.stop_accepting(); });
  if (phase_ == Phase::kServing || phase_ == Phase::kDraining) {
    on_each(parts, [](ServerShard& part) { return part.cut_all(); });
    shards_.run_on_each([&](async::Shard& shard) { parts[shard.index()].reset(); });
  }
  if (state_->fd >= 0) ::close(std::exchange(state_->fd, -1));
  phase_ = Phase::kStopped;
}

ServerStats HttpServer::stats() const {
  const ServerShared& shared = state_->shared;
  return {shared.accepted.load(), shared.refused.load(), shared.bad_requests.load(), shared.timeouts.load(),
          shared.connections.load()};
}

}  // namespace fiso::net

// A server's connection that is no HTTP: its bytes are carried to a target and back.
//
// It has no idle timeout, since no protocol is known by which to tell a pause from an end; TCP itself finds peers that are gone.
// In a drain it goes on until the client has its answer: until the target had the last word and has been silent for a moment.
#include <netinet/tcp.h>

#include <optional>

#include "async/signal.h"
#include "net/server_shard.h"
#include "net/splice.h"
#include "net/splice_service.h"

namespace fiso::net {
namespace {

constexpr std::chrono::seconds kConnectTime{5};
constexpr std::chrono::seconds kRefusedTime{1};  // in which a target that restarts may listen again
constexpr std::chrono::milliseconds kRetryPause{10};
constexpr std::chrono::milliseconds kQuiet{200};
constexpr std::chrono::milliseconds kLook{50};

MonotonicTime now() { return std::chrono::steady_clock::now(); }

// A peer that is gone without a word is found within two minutes.
void keep_alive(Socket& socket) {
  int on = 1, idle_s = 60, interval_s = 15, probes = 4, fd = socket.native_handle();
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

class SpliceConnection final : public ServerConnection {
 public:
  SpliceConnection(ServerShard& shard, Socket socket, SpliceService& service)
      : ServerConnection(shard), service_(service), client_(std::move(socket)), target_(Socket(shard.shard().executor())) {}

  Task<> serve() override {
    phase_ = Phase::kHandling;
    keep_alive(client_.socket());
    const SpliceSeries& series = service_.series();
    auto connected = co_await connect();
    if (!connected.has_value()) {
      series.failed.increment();
      if (!cut_) service_.failed(connected.error());
      co_return;
    }
    keep_alive(target_.socket());
    series.passed.increment();
    series.open.add(1);
    splice_.emplace(shard_.shard(), client_bytes_, target_bytes_);
    splice_->count_into(series.bytes_in, series.bytes_out);
    co_await splice_->run("", "", {});
    clear();
    phase_ = Phase::kClosing;
    series.open.add(-1);
  }

  void end_if_idle() override {
    ending_ = true;
    end_if_settled();
  }

  void cut() override {
    cut_ = true;
    if (splice_) {
      splice_->stop();
    } else {
      client_bytes_.close(ByteStream::Close::kUsual);
      target_bytes_.close(ByteStream::Close::kUsual);
    }
  }

 private:
  Task<Result<>> connect() {
    for (MonotonicTime give_up = now() + kRefusedTime;;) {
      FISO_CO_TRY(asio::ip::tcp::endpoint endpoint, co_await service_.find_target());
      if (cut_) co_return Error(ErrorCode::kCancelled, "the server is stopping");
      connecting_ = true;
      set(now() + kConnectTime);
      auto [error] = co_await target_.socket().async_connect(endpoint, async::kTuple);
      connecting_ = false;
      clear();
      if (ending_) end_if_settled();
      if (!error) co_return Result<>();
      SystemError ignored;
      target_.socket().close(ignored);
      if (cut_ || error != asio::error::connection_refused || now() >= give_up)
        co_return Error(ErrorCode::kUnavailable, "connect: " + error.message());
      co_await async::sleep_until(now() + kRetryPause);
    }
  }

  void expired() noexcept override {
    if (connecting_) return target_bytes_.close(ByteStream::Close::kUsual);
    end_if_settled();
  }

  void end_if_settled() {
    if (connecting_) return;
    if (splice_ && splice_->is_settled(kQuiet)) return splice_->stop();
    set(now() + kLook);
  }

  SpliceService& service_;
  PlainStream client_, target_;
  ByteStreamOf<PlainStream> client_bytes_{client_}, target_bytes_{target_};
  std::optional<Splice> splice_;
  bool connecting_ = false;
  bool ending_ = false;
  bool cut_ = false;
};

}  // namespace

std::unique_ptr<ServerConnection> make_splice_connection(ServerShard& shard, Socket socket, SpliceService& service) {
  return std::make_unique<SpliceConnection>(shard, std::move(socket), service);
}

}  // namespace fiso::net

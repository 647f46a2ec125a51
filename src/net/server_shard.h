// A server's part on one shard: it accepts, keeps its connections, and ends them when the server drains.
//
// Internal to net. Threading: shard-local, except ServerShared and adopt_later().
#pragma once

#include <algorithm>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "async/gate.h"
#include "async/shard.h"
#include "async/watchdog.h"
#include "net/http_server.h"
#include "net/http_service.h"
#include "net/stream.h"
#include "net/wire.h"
#include "observe/sampled_log.h"

namespace fiso::net {

class ServerShard;
using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, async::Executor>;

// What the shards of one server have in common. Thread-safe.
struct ServerShared {
  explicit ServerShared(const ServerOptions& options)
      : limits(options.limits),
        bodies(options.bodies),
        own_budget(options.limits.connections),
        budget(options.connections != nullptr ? *options.connections : own_budget),
        refusals(options.refusals) {}

  const ServerLimits limits;
  BodyBudget* const bodies;  // null without a bound
  ConnectionBudget own_budget;
  ConnectionBudget& budget;                          // of connections
  RefusalReport* const refusals;                     // null if nobody wants to know
  TlsContext tls;                                    // null for plain HTTP; control thread, shards have their own
  std::vector<std::unique_ptr<ServerShard>> shards;  // set before the server starts
  std::atomic<size_t> connections{0};
  std::atomic<uint64_t> accepted{0}, refused{0}, bad_requests{0}, timeouts{0};
};

// A connection as its shard sees it: something to wait for and to end.
class ServerConnection : public async::Watchdog::Entry {
 public:
  enum class Phase { kIdle, kReading, kHandling, kWriting, kClosing };

  explicit ServerConnection(ServerShard& shard);
  ~ServerConnection() override;

  virtual Task<> serve() = 0;
  Phase phase() const { return phase_; }
  // A request that is still arriving has to come on faster from now on: ServerShard::patience().
  virtual void hurry() {}
  // An answer that is being written has to be taken sooner from now on: ServerShard::write_patience().
  virtual void hurry_writing() {}
  // If it waits for a request: no longer. What has arrived already is still served.
  virtual void end_if_idle() = 0;
  // At once, in the middle of whatever it does.
  virtual void cut() = 0;

 protected:
  ServerShard& shard_;
  Phase phase_ = Phase::kIdle;

 private:
  friend class ServerShard;
  size_t place_ = 0;       // in the shard's list
  bool is_local_ = false;  // who is at the other end knows when we drain
};

class ServerShard {
 public:
  ServerShard(async::Shard& shard, ServerShared& shared, HttpService& service);
  ServerShard(const ServerShard&) = delete;

  async::Shard& shard() { return shard_; }
  HttpService& service() { return service_; }
  ServerShared& shared() { return shared_; }
  const TlsContext& tls() const { return tls_; }
  void use_tls(TlsContext context) { tls_ = std::move(context); }
  const ServerLimits& limits() const { return shared_.limits; }
  DateText& date() { return date_; }
  bool draining() const { return draining_; }
  // How long to wait for a request that is arriving, or for the next piece of it: shorter in a drain.
  Duration patience(Duration usual) const { return draining_ ? std::min(usual, limits().drain_grace) : usual; }
  // How long to wait for an answer, or the next piece of it, to be taken: in a drain so that who does not read is over well
  // before the deadline, and is not what it cuts.
  Duration write_patience() const { return std::min(limits().write_timeout, drain_write_patience_); }
  // Counts and logs a request that is answered with `status` for this reason; the text quotes nothing of the request.
  void tell_refused(Refusal refusal, int status, std::string_view text, std::string_view remote_address);
  // The same of a connection that ends early.
  void tell_refused(ConnectionRefusal refusal, std::string_view text, std::string_view remote_address);
  size_t load() const { return load_.load(std::memory_order_relaxed); }  // thread-safe

  void accept_from(Acceptor acceptor);
  // Takes a connected socket, soon. Thread-safe.
  void adopt_later(int fd);
  // Takes one end of a pair whose other end is on this shard; false in a drain.
  bool adopt_local(Socket socket);
  // Ends accepting; what was accepted meanwhile is adopted when this completes.
  Task<> stop_accepting();

  // From now on every answer is the last one of its connection, and requests that stop to arrive are waited for no longer.
  void begin_drain();
  // True if no request had to be cut.
  Task<bool> drain(MonotonicTime grace_end, MonotonicTime deadline);
  Task<> cut_all();

 private:
  friend class ServerConnection;
  // Connections too many, answered and kept for a moment so that the client can read the answer.
  struct Refused final : async::Watchdog::Entry {
    using Entry::Entry;
    void expired() noexcept override;
    std::deque<std::pair<MonotonicTime, Socket>> sockets;  // the oldest first
  };

  Task<> accept(async::Gate::Pass pass);
  Task<bool> accept_one();
  void tell_cannot_accept(SystemError error);
  void place(Socket socket);
  enum class Origin { kNetwork, kProcess };
  void start(Socket socket, Origin origin = Origin::kNetwork);
  std::unique_ptr<ServerConnection> make_connection(Socket socket, Origin origin);
  void refuse(Socket socket);
  size_t cut_connections();

  async::Shard& shard_;
  ServerShared& shared_;
  HttpService& service_;
  SpliceService* const splicing_ = service_.splicing();  // null for HTTP
  TlsContext tls_;                                       // null for plain HTTP
  Acceptor acceptor_;
  async::Gate accepting_, inside_;
  std::vector<ServerConnection*> connections_;
  std::atomic<size_t> load_{0};
  Refused refused_;
  observe::SampledLog refused_log_;
  DateText date_;
  bool draining_ = false;
  Duration drain_write_patience_ = Duration::max();
};

// The kinds; the second is null when OpenSSL has no memory for it.
std::unique_ptr<ServerConnection> make_plain_connection(ServerShard& shard, Socket socket);
std::unique_ptr<ServerConnection> make_tls_connection(ServerShard& shard, Socket socket);
std::unique_ptr<ServerConnection> make_splice_connection(ServerShard& shard, Socket socket, SpliceService& service);

}  // namespace fiso::net

// An HTTP server for one listen address of the process, plain or TLS: HTTP/1.1, and HTTP/2 to clients that begin with its preface
// or agree on it by ALPN.
//
// One listening socket, accepted from by every shard; a new connection goes to the shard that has the fewest and stays
// there. Each shard answers with its own HttpService. Requests of one connection are handled one after the other, and what a
// client pipelines meanwhile waits in its socket; over HTTP/2 they are handled beside each other (http2_session.h has its
// limits).
//
// Threading: control thread (the one that owns the ShardSet). The services must outlive stop().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/shard.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/units.h"
#include "net/body_budget.h"
#include "net/connection_budget.h"
#include "net/http_service.h"
#include "net/refusals.h"
#include "net/stream.h"
#include "net/tls.h"

namespace fiso::net {

struct ServerLimits {
  // Over all shards; beyond it a connection is answered 503 and closed. What the ConnectionBudget of the process is made from; a
  // server that has none keeps to it alone.
  size_t connections = 10'000;
  Bytes header_bytes = 64_KiB;  // request line and fields; beyond it 431
  size_t header_fields = 256;   // beyond it 431
  Bytes body_bytes = 10_MiB;    // beyond it 413
  // Of all bodies in memory: what the BodyBudget of the process is made from; one server alone does not look at it.
  Bytes total_body_bytes = 256_MiB;
  Duration header_timeout =
      std::chrono::seconds(10);  // from the first byte (on a new connection: from its start) to the empty line
  Duration body_timeout = std::chrono::seconds(30);   // in which a body must end, or move on by `min_progress`
  Duration idle_timeout = std::chrono::seconds(75);   // between requests
  Duration write_timeout = std::chrono::seconds(30);  // in which an answer must be taken, or move on by `min_progress`
  Bytes min_progress = 16_KiB;
  Duration drain_grace = std::chrono::seconds(1);  // in which a drain still serves what arrives on idle connections
};

struct ServerOptions {
  std::string address;  // ":8081" (all IPv4 and IPv6), "127.0.0.1:0" (any free port), "[::1]:8080", "localhost:80"
  ServerLimits limits;
  std::optional<TlsServerOptions> tls;
  // Borrowed; see ServerCommons.
  BodyBudget* bodies = nullptr;             // beyond it 503; nullptr = no bound on all bodies together
  ConnectionBudget* connections = nullptr;  // nullptr = one of its own
  RefusalReport* refusals = nullptr;        // nullptr = nobody is told
};

// Counts since the start, over all shards.
struct ServerStats {
  uint64_t accepted = 0;      // connections taken
  uint64_t refused = 0;       // connections beyond the limit
  uint64_t bad_requests = 0;  // requests that were not HTTP as we accept it, or over a limit
  uint64_t timeouts = 0;      // connections ended by the header, body or write deadline
  size_t connections = 0;     // open now
};

class HttpServer {
 public:
  using ServiceOf = std::function<HttpService&(async::Shard&)>;  // called once per shard, on it

  HttpServer(async::ShardSet& shards, ServerOptions options, ServiceOf service_of);
  ~HttpServer();  // stops
  HttpServer(const HttpServer&) = delete;

  // Reads the certificate and opens the port; connections queue up from here on. kInvalidConfig or kUnavailable with a
  // message for the operator ("listen 127.0.0.1:8081: address already in use"). All descriptors that serving needs are taken
  // here.
  Result<> bind();
  // In place of bind(): at the port that `other`, which has started, is bound to; both accept from it until one of them ends. The
  // options' address is the same.
  Result<> bind_beside(const HttpServer& other);
  // In place of bind(): at no port. Only connect() leads here.
  void bind_nowhere();
  // The port bound to, also where the address said 0.
  uint16_t port() const { return port_; }
  // New connections shake hands with this certificate from now on; those that are open keep theirs. For a server that was
  // bound with TLS.
  void use_tls(TlsContext context);
  // Starts to serve, which cannot fail. After bind().
  void start();

  // On the shard, from inside the process, while it serves: the client's side of a new connection, which counts as one that was
  // accepted here. Without TLS, whatever the port speaks.
  Result<Socket> connect(async::Shard& shard);

  enum class Drained { kClean, kCut };
  // kPassesOn: the port stays open for the server that is bound beside this one, and gets what has not been accepted.
  enum class Port { kCloses, kPassesOn };
  // Lets no new connection begin and open ones come to their end: requests under way are finished, requests that still
  // arrive on idle connections within `drain_grace` are served, every answer says `Connection: close`. Returns at once.
  void begin_drain(Port port = Port::kCloses);
  // Closes the port and lets that end come, on the shards; at the deadline what is left is cut. Returns at once, and ever the
  // same: kCut if a request was.
  std::shared_future<Drained> finish_drain(MonotonicTime deadline);
  // The same, and waits for it.
  Drained wait_drained(MonotonicTime deadline);
  Drained drain(MonotonicTime deadline);

  // Closes everything and waits until the last service call has returned; after finish_drain() not before its end.
  void stop();

  ServerStats stats() const;

 private:
  struct State;
  struct Draining;
  enum class Phase { kNew, kBound, kServing, kDraining, kStopped };
  Result<> open_acceptors();
  void accept_on_each();
  async::ShardSet& shards_;
  ServiceOf service_of_;
  std::unique_ptr<State> state_;
  Phase phase_ = Phase::kNew;
  Port port_after_ = Port::kCloses;
  uint16_t port_ = 0;
  MonotonicTime drain_began_{};
  std::unique_ptr<Draining> draining_;   // since finish_drain()
  std::shared_future<Drained> drained_;  // of it
};

}  // namespace fiso::net

// An HTTP client for one origin with a pool of keep-alive connections: HTTP/1.1, and HTTP/2 where it is told to (Speaks).
//
// A request goes out on the connection that was used last, or on a new one. What the other side may do wrong ends that
// connection and is an error here: nothing that arrived for one request is ever taken for the answer to another.
// A kept connection is looked at before it is used, and not used for longer than the server's `Keep-Alive: timeout` says. If it
// turns out to be closed nevertheless, before any byte of the answer came, the request is sent again, once, on a new connection:
// but only one of which nothing was written, or that may be acted upon twice, since its method is idempotent (RFC 9110 section
// 9.2.2) or it has an Idempotency-Key. Any other is an error: whether it was acted upon is not known.
// Redirects are not followed and bodies are not decoded.
//
// Bodies that should not be in memory as a whole go through a ClientExchange (client_exchange.h) on the same pool.
//
// Threading: shard-local. Every send() must have completed before the client is destroyed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "async/blocking_pool.h"
#include "async/limiter.h"
#include "async/shard.h"
#include "base/clock.h"
#include "base/header_list.h"
#include "base/result.h"
#include "base/units.h"
#include "net/address_rules.h"
#include "net/http_message.h"
#include "net/name_lookup.h"
#include "net/tls.h"
#include "net/uri.h"

namespace fiso::net {

class LocalServices;

// RFC 9110 section 9.2.2: acting upon it twice is as good as once.
bool is_idempotent(std::string_view method);

// What the sender wants to know of an answer.
enum class Wanted {
  kAll,
  // Status and fields. They are the answer as soon as they are there: the body is only read, for a short time and within its
  // limit, so that the connection can be used again. A body that is too long, too slow, broken or cut off costs the
  // connection, not the answer.
  kHead,
};

// Whether its connection may carry others too. One that may not is new, and says that it is closed afterwards.
enum class Connection { kShared, kOwn };

struct ClientRequest {
  std::string_view method;
  std::string_view target;              // path and query
  const HeaderList* headers = nullptr;  // Host, Content-Length, Connection and Transfer-Encoding in it are ignored: they are ours
  std::span<const std::string_view> body;  // sent one after the other, without copying
  Wanted wanted = Wanted::kAll;
  Connection connection = Connection::kShared;
  // Told why the body of an answer was not read to its end although the answer counts, or what came behind it; may be null.
  std::string* broke_off = nullptr;
};

using ClientResponse = HttpResponse;

// kHttp2 over TLS is agreed upon by ALPN as well, and nothing else will do; without TLS it is taken to be known (RFC 9113 section
// 3.3). A request for an upgrade goes over HTTP/1.1 where the origin may speak that.
enum class Speaks { kHttp1, kHttp1OrHttp2, kHttp2 };

struct ClientOptions {
  Uri origin;
  Duration connect_timeout = std::chrono::seconds(10);  // name, TCP and TLS together
  async::Limiter* connections = nullptr;                // one unit per request in flight, shared over shards; nullptr = no limit
  size_t max_idle = 64;                                 // connections kept by this client
  Duration idle_timeout = std::chrono::seconds(30);
  Bytes max_response_body = 1_MiB;
  Bytes max_response_headers = 64_KiB;
  TlsContext tls;                           // needed for https
  std::string tls_name;                     // to announce and to verify, in place of the origin's host
  const AddressRules* addresses = nullptr;  // which may be connected to; nullptr = all. Borrowed
  std::vector<std::string> name_servers;    // in place of the system's: net/name_lookup.h
  Speaks speaks = Speaks::kHttp1;           // other than kHttp1: for ClientExchange only
  // Not null: connections are to the service of that name in this process, and `origin`, without TLS, is only what the Host field
  // says. Borrowed.
  const LocalServices* local = nullptr;
  std::string local_name = {};
  // Told, now and then, while the first answer on a new connection is waited for. An origin that serves one connection until it
  // is closed will not answer as long as others are kept open: see give_up_idle(). May be empty.
  std::function<void()> waits_for_first_answer;
};

class ClientConnection;
class HostResolver;
struct Connected;
class Http2Client;
class Http2Pool;

class HttpClient {
 public:
  HttpClient(async::Shard& shard, async::BlockingPool& blocking, ClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;

  // Completes with the answer, whatever its status, or by the deadline (up to 50 ms late). Errors: kTimeout "timeout",
  // kUnavailable ("connection refused", "connection reset", "malformed response", ...), kOverloaded when too many wait for a
  // connection, kInvalidInput for a request that HTTP cannot carry, kRejected "address not allowed" where the origin has no
  // address that may be connected to. The request is borrowed until then.
  Task<Result<ClientResponse>> send(const ClientRequest& request, MonotonicTime deadline);

  // For connections that are opened from now on; those that there are carry no further request.
  void set_tls(TlsContext tls);

  // The origin's, as a Host field says it.
  const std::string& authority() const { return authority_; }
  // The same as errors say it.
  const std::string& peer() const { return options_.local != nullptr ? options_.local_name : authority_; }
  size_t idle() const { return idle_.size(); }
  // Closes idle connections, and does not keep the next few that come to be idle.
  void give_up_idle();

 private:
  friend class ClientConnection;
  friend class ClientExchange;
  Task<Result<ClientResponse>> exchange(const ClientRequest& request, MonotonicTime deadline);
  // A connection of HTTP/1.1, for one exchange at a time, or one of HTTP/2 that has room.
  struct Carrier {
    std::unique_ptr<ClientConnection> connection;
    std::shared_ptr<Http2Client> session;
  };
  Task<Result<Carrier>> find_http2(MonotonicTime deadline);
  Task<Result<std::unique_ptr<ClientConnection>>> connect(MonotonicTime deadline, Speaks offer = Speaks::kHttp1);
  Task<Result<std::unique_ptr<ClientConnection>>> open(Connected connected, MonotonicTime deadline, Speaks offer);
  Result<> drop_refused(Addresses& addresses) const;
  unsigned version() const;
  std::unique_ptr<ClientConnection> take_idle();
  void keep(std::unique_ptr<ClientConnection> connection);
  void drop_idle(ClientConnection& connection);

  async::Shard& shard_;
  ClientOptions options_;
  std::string authority_;
  std::unique_ptr<HostResolver> resolver_;
  size_t under_way_ = 0;
  unsigned tls_version_ = 0;
  unsigned not_to_keep_ = 0;                             // of those that come to be idle
  std::unique_ptr<Http2Pool> http2_;                     // null where only HTTP/1.1 is spoken
  std::vector<std::unique_ptr<ClientConnection>> idle_;  // the last one was used last
};

}  // namespace fiso::net

#include "net/http_client.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "async/yield.h"
#include "base/check.h"
#include "net/client_connection.h"
#include "net/host_resolver.h"
#include "net/http2_pool.h"
#include "net/local_services.h"

namespace fiso::net {
namespace {

constexpr unsigned kNotToKeep = 16;
constexpr std::chrono::seconds kLeastShare{1};  // for a handshake, of the time to connect, however many addresses there are

bool may_be_repeated(const ClientRequest& request) {
  return is_idempotent(request.method) || (request.headers != nullptr && request.headers->contains("Idempotency-Key"));
}

}  // namespace

bool is_idempotent(std::string_view method) {
  constexpr std::string_view kIdempotent[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
  return std::ranges::find(kIdempotent, method) != std::end(kIdempotent);
}

HttpClient::HttpClient(async::Shard& shard, async::BlockingPool& blocking, ClientOptions options)
    : shard_(shard),
      options_(std::move(options)),
      authority_(options_.origin.authority()),
      resolver_(
          std::make_unique<HostResolver>(shard, blocking, options_.origin.host, options_.origin.port, options_.name_servers)) {
  FISO_CHECK(options_.origin.scheme == Scheme::kHttp || options_.tls, "https needs a TLS context");
  FISO_CHECK(options_.local == nullptr || options_.origin.scheme == Scheme::kHttp, "no TLS inside a process");
  if (options_.speaks != Speaks::kHttp1) http2_ = std::make_unique<Http2Pool>(shard);
  if (options_.speaks == Speaks::kHttp2) http2_->note_protocol(true);
}

HttpClient::~HttpClient() = default;

Task<Result<ClientResponse>> HttpClient::send(const ClientRequest& request, MonotonicTime deadline) {
  FISO_CHECK(options_.speaks != Speaks::kHttp2, "send() speaks HTTP/1.1");
  async::Limiter::Permit permit;
  if (options_.connections != nullptr && !(permit = options_.connections->try_acquire())) {
    FISO_CO_TRY(permit, co_await options_.connections->acquire(deadline));
  }
  // Alone there is nobody to send together with.
  if (++under_way_ > 1) co_await async::yield(shard_);
  Result<ClientResponse> response = co_await exchange(request, deadline);
  --under_way_;
  co_return response;
}

Task<Result<ClientResponse>> HttpClient::exchange(const ClientRequest& request, MonotonicTime deadline) {
  bool shared = request.connection == Connection::kShared;
  std::unique_ptr<ClientConnection> connection = shared ? take_idle() : nullptr;
  if (connection != nullptr) {
    Result<ClientResponse> response = co_await connection->exchange(request, deadline);
    bool again = !response.has_value() && response.error().code() == ErrorCode::kUnavailable && connection->stale() &&
                 (connection->nothing_sent() || may_be_repeated(request));
    if (!again) {
      keep(std::move(connection));
      co_return response;
    }
  }
  FISO_CO_TRY(connection, co_await connect(deadline));
  Result<ClientResponse> response = co_await connection->exchange(request, deadline);
  if (shared) keep(std::move(connection));
  co_return response;
}

Task<Result<std::unique_ptr<ClientConnection>>> HttpClient::connect(MonotonicTime deadline, Speaks offer) {
  if (options_.local != nullptr) {
    FISO_CO_TRY(Socket socket, options_.local->connect(shard_, options_.local_name));
    co_return co_await open({.socket = std::move(socket)}, deadline, offer);
  }
  deadline = std::min(deadline, std::chrono::steady_clock::now() + options_.connect_timeout);
  FISO_CO_TRY(Addresses addresses, co_await resolver_->resolve(deadline));
  FISO_CO_TRY_OK(drop_refused(addresses));
  Error last(ErrorCode::kTimeout, "timeout");
  size_t untried = addresses.size();  // in front
  while (!addresses.empty()) {
    Result<Connected> connected = co_await connect_to_any(shard_, addresses, deadline);
    if (!connected.has_value()) {
      last = connected.take_error();
      break;
    }
    asio::ip::tcp::endpoint address = connected->address;
    untried -= std::min(untried, connected->begun);
    // This address and the untried ones share the time that is left, so that one that says nothing does not use up all of it.
    // Those that lost to it are tried again last of all, if there is time.
    MonotonicTime now = std::chrono::steady_clock::now();
    Duration share = std::max<Duration>((deadline - now) / static_cast<int64_t>(untried + 1), kLeastShare);
    std::ranges::rotate(addresses, addresses.begin() + static_cast<std::ptrdiff_t>(connected->begun));
    Result<std::unique_ptr<ClientConnection>> opened =
        co_await open(std::move(*connected), std::min(deadline, now + share), offer);
    if (opened.has_value()) {
      resolver_->worked(address);
      co_return std::move(opened);
    }
    last = opened.take_error();
    std::erase(addresses, address);
  }
  resolver_->none_worked();
  co_return last;
}

Task<Result<std::unique_ptr<ClientConnection>>> HttpClient::open(Connected connected, MonotonicTime deadline, Speaks offer) {
  bool tls = options_.origin.scheme == Scheme::kHttps;
  auto connection = tls ? make_tls_client_connection(shard_, *this, *options_.tls) : make_plain_client_connection(shard_, *this);
  if (connection == nullptr) co_return Error(ErrorCode::kOverloaded, "tls: out of memory");
  connection->offer(offer);
  connection->set_version(version());
  FISO_CO_TRY_OK(co_await connection->open(std::move(connected), deadline));
  co_return std::move(connection);
}

// Where some may be connected to and some not, those that may are tried.
Result<> HttpClient::drop_refused(Addresses& addresses) const {
  if (options_.addresses == nullptr) return {};
  asio::ip::tcp::endpoint refused = addresses.front();
  std::erase_if(addresses, [&](const auto& address) {
    bool bad = !options_.addresses->refusal(address.address()).empty();
    if (bad) refused = address;
    return bad;
  });
  if (!addresses.empty()) return {};
  std::string_view what = options_.addresses->refusal(refused.address());
  return Error(ErrorCode::kRejected, "address not allowed")
      .with_context(refused.address().to_string() + " is " + std::string(what))
      .with_context(authority_);
}

void HttpClient::set_tls(TlsContext tls) {
  options_.tls = std::move(tls);
  ++tls_version_;
  idle_.clear();
  if (http2_ != nullptr) http2_->retire();
}

// Several may connect at once while nobody knows what the origin speaks.
Task<Result<HttpClient::Carrier>> HttpClient::find_http2(MonotonicTime deadline) {
  Carrier found;
  while (http2_->is_connecting() && (found.session = http2_->find()) == nullptr)
    if (!co_await http2_->wait(deadline)) co_return Error(ErrorCode::kTimeout, "timeout");
  if (found.session == nullptr) found.session = http2_->find();
  if (found.session == nullptr) found.connection = take_idle();
  if (found.session != nullptr || found.connection != nullptr) co_return std::move(found);
  Http2Pool::Connecting connecting(*http2_);
  do {  // until no other certificates have come meanwhile: many requests may go over this connection, for long
    FISO_CO_TRY(found.connection, co_await connect(deadline, options_.speaks));
  } while (found.connection->version() != version());
  http2_->note_protocol(found.connection->is_http2());
  if (found.connection->is_http2()) found.session = http2_->add(std::move(found.connection), options_);
  co_return std::move(found);
}

unsigned HttpClient::version() const {
  return options_.local != nullptr ? options_.local->version(shard_, options_.local_name) : tls_version_;
}

// The one used last is the least likely to have been closed meanwhile.
std::unique_ptr<ClientConnection> HttpClient::take_idle() {
  while (!idle_.empty()) {
    std::unique_ptr<ClientConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    connection->end_idle();
    if (connection->version() == version() && connection->quiet()) return connection;
  }
  return nullptr;
}

void HttpClient::keep(std::unique_ptr<ClientConnection> connection) {
  if (!connection->reusable() || idle_.size() >= options_.max_idle || connection->version() != version()) return;
  if (not_to_keep_ > 0) {
    --not_to_keep_;
    return;
  }
  Duration idle_time = std::min(options_.idle_timeout, connection->kept_open());
  if (idle_time <= Duration(0)) return;
  connection->begin_idle(std::chrono::steady_clock::now() + idle_time);
  idle_.push_back(std::move(connection));
}

void HttpClient::give_up_idle() {
  idle_.clear();
  not_to_keep_ = kNotToKeep;
}

void HttpClient::drop_idle(ClientConnection& connection) {
  std::erase_if(idle_, [&](const auto& idle) { return idle.get() == &connection; });
}

}  // namespace fiso::net

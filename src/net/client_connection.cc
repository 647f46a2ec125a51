#include "net/client_connection.h"

#include <netinet/tcp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <charconv>

#include "async/gate.h"
#include "async/spawn.h"
#include "base/ascii.h"
#include "net/http_parser.h"
#include "net/read_buffer.h"
#include "net/stream.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

using asio::ip::tcp;

constexpr int kInterimResponses = 16;  // before the answer proper
constexpr size_t kResponseFields = 256;
constexpr std::chrono::milliseconds kWaits{20};  // for a first answer, until somebody is told, and told again
constexpr std::chrono::seconds kDropTime{1};     // for a body that nobody wants to arrive
// Before the end of the time that a server keeps a connection: for a request to reach it.
constexpr std::chrono::seconds kKeepAliveMargin{1};
constexpr std::chrono::seconds kLongestKeepAlive = std::chrono::hours(24);

Error timeout() { return {ErrorCode::kTimeout, "timeout"}; }

ResponseParser::Body body_rule(const ClientRequest& request) {
  if (request.method == "HEAD") return ResponseParser::Body::kNone;
  return request.wanted == Wanted::kHead ? ResponseParser::Body::kDropped : ResponseParser::Body::kByHeaders;
}

template <class Stream>
class ConnectionOf final : public ClientConnection {
 public:
  template <class... Args>
  ConnectionOf(async::Shard& shard, HttpClient& client, Args&&... tls_context)
      : ClientConnection(shard, client),
        shard_(shard),
        stream_(Socket(shard.executor()), std::forward<Args>(tls_context)...),
        parser_({static_cast<size_t>(options().max_response_headers.count), kResponseFields,
                 static_cast<size_t>(options().max_response_body.count)},
                response_),
        writing_(shard.executor()) {}

  Task<Result<>> open(Connected connected, MonotonicTime deadline) override;
  ByteStream& bytes() override { return bytes_; }
  Task<Result<ClientResponse>> exchange(const ClientRequest& request, MonotonicTime deadline) override;
  bool reusable() const override { return reusable_; }
  bool stale() const override { return !heard_ && !timed_out_; }
  bool nothing_sent() const override { return !out_.begun(); }
  bool quiet() override;
  void set_reusable(bool reusable) override { reusable_ = reusable; }

 private:
  using State = MessageParser::State;

  void time_out() noexcept override;
  std::unique_ptr<ClientStreaming> make_streaming() override {
    MessageLimits limits{static_cast<size_t>(options().max_response_headers.count), kResponseFields, 0};
    return std::make_unique<ClientStreaming>(bytes_, limits);
  }
  void close();
  Task<Result<>> shake_hands();
  void start_writing(const ClientRequest& request);
  static Task<> write_rest(ConnectionOf& self, async::Gate::Pass pass);
  Task<Result<>> read_response(ResponseParser::Body body, MonotonicTime deadline);
  bool answered(ResponseParser::Body body) const;
  bool parse(ResponseParser::Body body);
  Error parse_error() const;

  async::Shard& shard_;
  Stream stream_;
  ByteStreamOf<Stream> bytes_{stream_};
  ClientResponse response_;
  ResponseParser parser_;
  ReadBuffer buffer_;
  std::string head_;
  Gather out_;
  async::Gate writing_;  // inside: a request that the socket did not take at once
  int interim_ = 0;
  bool sent_ = false;   // the whole request, without an error
  bool heard_ = false;  // a byte of the answer
  bool timed_out_ = false;
  bool reusable_ = false;
};

const char* what_is_wrong(long verdict) {
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "tls: the certificate is not valid for the host";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return "tls: the certificate is not valid now";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: return "tls: the certificate is not trusted";
    default: return "tls: the certificate cannot be verified";
  }
}

template <class Stream>
Task<Result<>> ConnectionOf<Stream>::open(Connected connected, MonotonicTime deadline) {
  stream_.socket() = std::move(connected.socket);
  SystemError ignored;
  stream_.socket().set_option(tcp::no_delay(true), ignored);
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    set(deadline);
    Result<> opened = co_await shake_hands();
    clear();
    if (timed_out_) opened = timeout();
    if (!opened.has_value()) co_return opened.take_error().with_context("connect " + to_text(connected.address));
  } else {
    is_http2_ = offer_ == Speaks::kHttp2;
  }
  co_return Result<>();
}

template <class Stream>
Task<Result<>> ConnectionOf<Stream>::shake_hands() {
  const std::string& host = options().tls_name.empty() ? options().origin.host : options().tls_name;
  SSL* ssl = stream_.tls().native_handle();
  X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
  bool named = X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) != 1;  // not an address: a name to verify and to announce
  if (named && (SSL_set1_host(ssl, host.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, host.c_str()) != 1))
    co_return Error(ErrorCode::kInternal, "tls: the host name cannot be used");
  if (offer_ != Speaks::kHttp1) offer_http2(ssl, offer_ == Speaks::kHttp2 ? Http2Offer::kAlone : Http2Offer::kWithHttp1);
  auto [error] = co_await stream_.tls().async_handshake(asio::ssl::stream_base::client, async::kTuple);
  is_http2_ = !error && chose_http2(ssl);
  if (!error && offer_ == Speaks::kHttp2 && !is_http2_)
    co_return Error(ErrorCode::kUnavailable, "tls: the other side does not speak HTTP/2");
  if (!error) co_return Result<>();
  if (long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK)
    co_return Error(ErrorCode::kUnavailable, what_is_wrong(verdict)).with_context(X509_verify_cert_error_string(verdict));
  co_return Error(ErrorCode::kUnavailable, "tls handshake failed").with_context(error.message());
}

template <class Stream>
Task<Result<ClientResponse>> ConnectionOf<Stream>::exchange(const ClientRequest& request, MonotonicTime deadline) {
  reusable_ = sent_ = heard_ = timed_out_ = false;
  interim_ = 0;
  ResponseParser::Body body = body_rule(request);
  parser_.next(body);
  if (Result<> formatted = format_request_head(head_, request, authority()); !formatted.has_value()) {
    reusable_ = true;  // nothing was sent
    co_return formatted.take_error();
  }
  set(deadline);
  begin_wait();
  start_writing(request);
  Result<> read = co_await read_response(body, deadline);
  clear();
  end_wait();
  if (writing_.inside() > 0) {  // answered before it had heard everything: the rest must not follow
    close();
    co_await writing_.wait_empty();
  }
  if (!read.has_value()) {
    close();
    if (!answered(body)) co_return read.take_error().with_context(peer());
    if (request.broke_off != nullptr) *request.broke_off = read.error().message();
  }
  if (request.broke_off != nullptr && read.has_value() && !buffer_.data().empty())
    *request.broke_off = "the answer is longer than it says";
  reusable_ = read.has_value() && sent_ && parser_.keep_alive() && buffer_.data().empty();
  if (reusable_) {
    note_kept_open(response_.headers);
    buffer_.shrink();
  }
  co_return std::move(response_);
}

// An error here is not the end: the other side may have answered before it closed.
template <class Stream>
void ConnectionOf<Stream>::start_writing(const ClientRequest& request) {
  out_.clear();
  out_.add(head_);
  for (std::string_view piece : request.body) out_.add(piece);
  SystemError error = stream_.write_now(out_);
  sent_ = !error;
  if (error == asio::error::would_block) async::spawn(shard_, write_rest(*this, writing_.enter()));
}

template <class Stream>
Task<> ConnectionOf<Stream>::write_rest(ConnectionOf& self, [[maybe_unused]] async::Gate::Pass pass) {
  SystemError error = co_await self.stream_.write(self.out_, nullptr, [](void*, size_t) {});
  self.sent_ = !error;
}

// All that was wanted has come, whatever becomes of the rest.
template <class Stream>
bool ConnectionOf<Stream>::answered(ResponseParser::Body body) const {
  return body == ResponseParser::Body::kDropped && parser_.head_read() && response_.status >= 200;
}

template <class Stream>
Task<Result<>> ConnectionOf<Stream>::read_response(ResponseParser::Body body, MonotonicTime deadline) {
  bool hurried = false;
  while (!parse(body)) {
    if (parser_.state() == State::kFailed || parser_.state() == State::kComplete) co_return parse_error();
    if (!hurried && answered(body)) {
      hurried = true;
      set(std::min<MonotonicTime>(deadline, std::chrono::steady_clock::now() + kDropTime));
    }
    auto [error, bytes] = co_await stream_.read_some(buffer_.space());
    if (timed_out_) co_return timeout();
    buffer_.filled(bytes);
    heard_ = heard_ || bytes > 0;
    if (error == asio::error::eof && parser_.finish()) break;
    if (error) co_return client_network_error(error);
  }
  co_return Result<>();
}

// True when the answer proper is complete.
template <class Stream>
bool ConnectionOf<Stream>::parse(ResponseParser::Body body) {
  while (!buffer_.data().empty()) {
    buffer_.consume(parser_.feed(buffer_.data()));
    if (parser_.state() == State::kFailed) return false;
    if (parser_.state() != State::kComplete) continue;
    if (response_.status >= 200) return true;
    if (++interim_ > kInterimResponses) return false;  // stays complete, which parse_error() tells apart
    parser_.next(body);
  }
  return false;
}

template <class Stream>
Error ConnectionOf<Stream>::parse_error() const {
  if (parser_.state() == State::kComplete) return {ErrorCode::kUnavailable, "too many interim responses"};
  if (parser_.error_status() == 413) return {ErrorCode::kUnavailable, "response body too large"};
  if (parser_.error_status() == 431) return {ErrorCode::kUnavailable, "response headers too large"};
  return Error(ErrorCode::kUnavailable, "malformed response").with_context(std::string(parser_.error_text()));
}

template <class Stream>
bool ConnectionOf<Stream>::quiet() {
  char byte;
  ssize_t n = ::recv(stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

template <class Stream>
void ConnectionOf<Stream>::time_out() noexcept {
  timed_out_ = true;
  close();
}

template <class Stream>
void ConnectionOf<Stream>::close() {
  SystemError ignored;
  stream_.socket().close(ignored);
}

}  // namespace

// `Keep-Alive: timeout=5, max=100`, in seconds (RFC 2068 section 19.7.1.1): what many servers say of their idle timeout.
void ClientConnection::note_kept_open(const HeaderList& answer) {
  constexpr std::string_view kTimeout = "timeout=";
  kept_open_ = kLongestKeepAlive;
  std::string_view text = answer.find("Keep-Alive").value_or("");
  while (!text.empty()) {
    size_t comma = std::min(text.find(','), text.size());
    std::string_view part = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (part.size() <= kTimeout.size() || !iequals(part.substr(0, kTimeout.size()), kTimeout)) continue;
    part.remove_prefix(kTimeout.size());
    int64_t seconds = 0;
    auto [end, failed] = std::from_chars(part.data(), part.data() + part.size(), seconds);
    if (failed != std::errc() || end != part.data() + part.size()) continue;
    kept_open_ =
        std::clamp<std::chrono::seconds>(std::chrono::seconds(seconds), kKeepAliveMargin, kLongestKeepAlive) - kKeepAliveMargin;
    return;
  }
}

void ClientConnection::begin_wait() {
  if (answered_ || !options().waits_for_first_answer) return;
  if (wait_alarm_ == nullptr) wait_alarm_ = std::make_unique<Alarm>(client_.shard_.watchdog(), this, still_waits);
  wait_alarm_->set(std::chrono::steady_clock::now() + kWaits);
}

void ClientConnection::end_wait() {
  answered_ = true;
  if (wait_alarm_ != nullptr) wait_alarm_->clear();
}

void ClientConnection::still_waits(void* self) noexcept {
  auto& connection = *static_cast<ClientConnection*>(self);
  connection.options().waits_for_first_answer();
  connection.begin_wait();
}

Error client_network_error(SystemError error) {
  auto unavailable = [](std::string_view text) { return Error(ErrorCode::kUnavailable, std::string(text)); };
  if (error == asio::error::connection_refused) return unavailable("connection refused");
  if (error == asio::error::connection_reset || error == asio::error::broken_pipe) return unavailable("connection reset");
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated)
    return unavailable("connection closed before the response was complete");
  if (error == asio::error::host_unreachable || error == asio::error::network_unreachable) return unavailable("host unreachable");
  if (error == asio::error::timed_out) return unavailable("connection timed out");
  return unavailable("connection failed").with_context(error.message());
}

std::unique_ptr<ClientConnection> make_plain_client_connection(async::Shard& shard, HttpClient& client) {
  return std::make_unique<ConnectionOf<PlainStream>>(shard, client);
}

std::unique_ptr<ClientConnection> make_tls_client_connection(async::Shard& shard, HttpClient& client,
                                                             asio::ssl::context& context) {
  try {
    return std::make_unique<ConnectionOf<TlsStream>>(shard, client, context);
  } catch (const boost::system::system_error&) {
    return nullptr;
  }
}

}  // namespace fiso::net

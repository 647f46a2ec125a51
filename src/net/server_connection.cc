// A server's connection, plain or TLS: reads a request, has it answered, writes the answer, again; or hands itself to HTTP/2.
//
// In the usual case a request costs one read and one gathered write and no timer: deadlines are a store into the watchdog's
// entry, and the answer goes out without waiting because the socket takes it.
#include <poll.h>

#include <boost/asio/ssl/stream.hpp>

#include "async/yield.h"
#include "net/client_watch.h"
#include "net/http2_server.h"
#include "net/http_parser.h"
#include "net/read_buffer.h"
#include "net/server_exchange.h"
#include "net/server_shard.h"

namespace fiso::net {
namespace {

constexpr std::chrono::seconds kLingerTime{2};  // for the other side to read the last answer and close
// What a connection may keep of a body's memory between requests. Bodies up to this size, and heads, do not count against the
// budget either: they would cost each small request two atomic operations on a line that all shards share.
constexpr size_t kBodyMemoryToKeep = 16 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

MessageLimits message_limits(const ServerLimits& limits) {
  return {static_cast<size_t>(limits.header_bytes.count), limits.header_fields, static_cast<size_t>(limits.body_bytes.count)};
}

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

template <class Stream>
class ConnectionOf final : public ServerConnection, private Caller {
 public:
  template <class... Args>
  explicit ConnectionOf(ServerShard& shard, Args&&... stream)
      : ServerConnection(shard),
        stream_(std::forward<Args>(stream)...),
        parser_(message_limits(shard.limits()), request_),
        watch_(shard.shard().watchdog(), this, client_is_there) {
    request_.caller = this;
    if (streaming_ != nullptr) parser_.stream_bodies();
  }

  Task<> serve() override;
  void hurry() override;
  void hurry_writing() override;
  void end_if_idle() override;
  void cut() override;

 private:
  using State = MessageParser::State;
  // What to do after a read.
  enum class Next { kGoOn, kTimedOut, kCutOff, kEnd, kGone };

  void expired() noexcept override;
  // Of a request that is here as a whole and with the service.
  void when_gone(void* owner, Gone gone) override;
  static bool client_is_there(void* self) noexcept;
  void cancel();
  void parse();
  bool may_be_http2();
  Task<> serve_http2();
  Task<ConnectionExchange::Next> stream_request();
  void arm_for_read();
  Next after_read(SystemError error, size_t bytes);
  size_t memory() const;
  bool charge_memory();
  void drop_body();
  SystemError send(const HttpResponse& response);
  Task<SystemError> send_rest();
  void tell_no_handshake(SystemError error);
  Task<> refuse(Refusal refusal, int status, std::string_view text);
  Task<> refuse_late();
  Task<> send_last(int status, std::string_view text);
  Task<bool> send_continue();
  void next_request();
  Task<> close();
  static void write_progress(void* self, size_t bytes);

  Stream stream_;
  ByteStreamOf<Stream> bytes_{stream_};
  StreamingService* const streaming_ = shard_.service().streaming();  // takes all requests of the connection, if there is one
  ConnectionExchange* exchange_ = nullptr;                            // under way
  Http2Server* http2_ = nullptr;                                      // in place of all that follows
  std::string remote_address_;
  HttpRequest request_;
  RequestParser parser_;
  ClientWatch watch_;
  ReadBuffer buffer_;
  std::string head_;
  Gather out_;
  async::Limiter::Permit body_charge_;  // for the request that is read or being answered
  size_t preface_ = 0;                  // bytes of HTTP/2's preface, while nothing else has come
  size_t progress_ = 0;                 // body bytes at the last deadline, or bytes written since
  bool in_body_ = false;                // the body's deadline is armed
  bool fresh_ = true;                   // on its first request
  bool unknown_ = true;                 // whether it speaks HTTP/2
  bool asked_to_go_on_ = false;         // 100 Continue has been sent
  bool is_head_ = false;
  bool last_ = false;  // the answer under way is the connection's last
  bool timed_out_ = false;
  bool ending_ = false;
  bool cut_ = false;
};

template <class Stream>
Task<> ConnectionOf<Stream>::serve() {
  remote_address_ = remote_address_of(stream_.socket());
  set(in(shard_.limits().header_timeout));
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    auto [error] = co_await stream_.tls().async_handshake(asio::ssl::stream_base::server, async::kTuple);
    if (error) co_return tell_no_handshake(error);
    request_.secure = true;
    if (chose_http2(stream_.tls().native_handle())) co_return co_await serve_http2();
  }
  request_.remote_address = remote_address_;
  for (;;) {
    parse();
    if (preface_ == kHttp2Preface.size()) co_return co_await serve_http2();
    if (!charge_memory()) {
      co_await refuse(Refusal::kTooManyBodies, 503, "too many request bodies are held");
      break;
    }
    if (streaming_ != nullptr && parser_.head_read() && parser_.state() != State::kFailed) {
      ConnectionExchange::Next next = co_await stream_request();
      if (next == ConnectionExchange::Next::kGone) co_return;
      if (next == ConnectionExchange::Next::kClose) break;
      next_request();
      continue;
    }
    if (parser_.state() == State::kComplete) {
      phase_ = Phase::kHandling;
      clear();
      is_head_ = request_.method == "HEAD";
      HttpResponse response = co_await shard_.service().call(request_);
      watch_.want(nullptr, nullptr);
      if (body_charge_) drop_body();
      // Alone on the shard there is nobody to send together with.
      if (shard_.load() > 1) co_await async::yield(shard_.shard());
      SystemError error = send(response);
      if (error == asio::error::would_block) error = co_await send_rest();
      if (error) co_return;  // the client has gone
      if (last_) break;
      next_request();
      continue;
    }
    if (parser_.state() == State::kFailed) {
      shard_.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
      co_await refuse(refusal_of(parser_.error_status()), parser_.error_status(), parser_.error_text());
      break;
    }
    if (timed_out_) {  // though a few more bytes came with it
      co_await refuse_late();
      break;
    }
    if (parser_.expects_continue() && parser_.state() == State::kBody && !asked_to_go_on_ && !co_await send_continue()) co_return;
    arm_for_read();
    auto [error, bytes] = co_await stream_.read_some(buffer_.space());
    Next next = after_read(error, bytes);
    if (next == Next::kGone) co_return;
    if (next == Next::kTimedOut) co_await refuse_late();
    if (next == Next::kCutOff) {
      shard_.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
      co_await refuse(Refusal::kIncomplete, 400, "the request is incomplete");
    }
    if (next != Next::kGoOn) break;
  }
  co_await close();
}

// Who only looks whether the port is open, and says nothing, is no failure.
template <class Stream>
void ConnectionOf<Stream>::tell_no_handshake(SystemError error) {
  if constexpr (std::is_same_v<Stream, TlsStream>) {
    bool heard = BIO_number_read(SSL_get_rbio(stream_.tls().native_handle())) > 0;
    if (cut_ || ending_ || !heard) return;
    if (timed_out_) shard_.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
    shard_.tell_refused(ConnectionRefusal::kTlsHandshake, timed_out_ ? "timeout" : error.message(), remote_address_);
  }
}

template <class Stream>
void ConnectionOf<Stream>::parse() {
  if (unknown_ && may_be_http2()) return;
  while (!buffer_.data().empty()) {
    size_t used = parser_.feed(buffer_.data());
    buffer_.consume(used);
    if (parser_.state() == State::kComplete || parser_.state() == State::kFailed) return;
  }
}

// By its first bytes (RFC 9113 section 3.4); those of a `POST` are not told apart at once.
template <class Stream>
bool ConnectionOf<Stream>::may_be_http2() {
  std::string_view expected = kHttp2Preface.substr(preface_), came = buffer_.data().substr(0, expected.size());
  if (expected.starts_with(came)) {
    buffer_.consume(came.size());
    preface_ += came.size();
    return true;
  }
  unknown_ = false;
  parser_.feed(kHttp2Preface.substr(0, std::exchange(preface_, 0)));
  return false;
}

template <class Stream>
Task<> ConnectionOf<Stream>::serve_http2() {
  auto http2 = std::make_shared<Http2Server>(Http2Server::Parts{shard_, bytes_, remote_address_, request_.secure, phase_});
  http2_ = http2.get();
  std::string ahead(kHttp2Preface.substr(0, preface_));
  ahead.append(buffer_.data());
  MonotonicTime first_request_by = deadline();
  clear();
  if (shard_.draining()) http2->hurry();
  bool in_order = co_await http2->serve(ahead, first_request_by);
  http2_ = nullptr;
  if (in_order && !cut_) co_await close();
}

template <class Stream>
Task<ConnectionExchange::Next> ConnectionOf<Stream>::stream_request() {
  phase_ = Phase::kHandling;
  clear();
  ConnectionExchange::Parts parts{shard_, bytes_, request_, parser_, buffer_, head_, out_};
  ConnectionExchange exchange(parts);
  exchange_ = &exchange;
  request_.caller = &exchange;
  co_await streaming_->serve(request_, exchange);
  ConnectionExchange::Next next = co_await exchange.finish();
  request_.caller = this;
  exchange_ = nullptr;
  if (buffer_.data().empty()) buffer_.shrink();
  co_return cut_ ? ConnectionExchange::Next::kGone : next;
}

// That counts: of a large body, and of a large head, which is there twice for a while, as it is read and as it is kept.
template <class Stream>
size_t ConnectionOf<Stream>::memory() const {
  size_t body = request_.body.size(), head = parser_.head_bytes();
  return (body > kBodyMemoryToKeep ? body : 0) + (head > kBodyMemoryToKeep ? 2 * head : 0);
}

// Afterwards, so for a moment a shard holds one piece more than it may.
template <class Stream>
bool ConnectionOf<Stream>::charge_memory() {
  size_t size = memory();
  if (size <= body_charge_.units()) return true;
  BodyBudget* bodies = shard_.shared().bodies;
  if (bodies == nullptr) return true;
  async::Limiter::Permit more = bodies->bytes.try_acquire(size - body_charge_.units());
  if (!more) bodies->refused.increment();
  bool enough = static_cast<bool>(more);
  body_charge_.join(std::move(more));
  return enough;
}

// What the service has left of it, and the charge: only now, since what it took was in memory until the answer.
template <class Stream>
void ConnectionOf<Stream>::drop_body() {
  std::string().swap(request_.body);
  body_charge_.release();
  if (buffer_.data().empty()) buffer_.shrink();
}

// Waiting for the first byte of a request has been armed by next_request().
template <class Stream>
void ConnectionOf<Stream>::arm_for_read() {
  if (parser_.state() == State::kIdle) return;
  if (parser_.state() == State::kHeaders) {
    if (phase_ == Phase::kIdle && !fresh_) set(in(shard_.patience(shard_.limits().header_timeout)));
    if (phase_ == Phase::kIdle && fresh_ && shard_.draining()) set(std::min(deadline(), in(shard_.limits().drain_grace)));
  } else if (!in_body_ || request_.body.size() - progress_ >= shard_.limits().min_progress.count) {
    in_body_ = true;
    progress_ = request_.body.size();
    set(in(shard_.patience(shard_.limits().body_timeout)));
  }
  phase_ = Phase::kReading;
}

template <class Stream>
auto ConnectionOf<Stream>::after_read(SystemError error, size_t bytes) -> Next {
  if (error && ending_ && !cut_) bytes = stream_.read_now(buffer_.space());  // may have come just before we stopped to wait
  if (bytes > 0) {
    buffer_.filled(bytes);
    ending_ = false;  // which it does in its own time
    return Next::kGoOn;
  }
  if (cut_) return Next::kGone;
  if (ending_) return Next::kEnd;
  // Whoever has only finished sending may still read an answer.
  if (!timed_out_) return error == asio::error::eof && phase_ == Phase::kReading ? Next::kCutOff : Next::kGone;
  return phase_ == Phase::kIdle ? Next::kEnd : Next::kTimedOut;
}

template <class Stream>
SystemError ConnectionOf<Stream>::send(const HttpResponse& response) {
  if (cut_) return asio::error::operation_aborted;
  phase_ = Phase::kWriting;
  last_ = !parser_.keep_alive() || shard_.draining();
  ConnectionField field = last_                ? ConnectionField::kClose
                          : parser_.http_1_0() ? ConnectionField::kKeepAlive
                                               : ConnectionField::kNone;
  format_response_head(head_, response, shard_.date().now(), field);
  out_.clear();
  out_.add(head_);
  if (!is_head_ && may_have_body(response.status)) out_.add(response.body);
  return stream_.write_now(out_);
}

template <class Stream>
Task<SystemError> ConnectionOf<Stream>::send_rest() {
  progress_ = 0;
  set(in(shard_.write_patience()));
  SystemError error = co_await stream_.write(out_, this, &write_progress);
  if (error && timed_out_ && !cut_) {
    shard_.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
    shard_.tell_refused(ConnectionRefusal::kSlowReader, kNotTaken, remote_address_);
  }
  clear();
  co_return error;
}

template <class Stream>
void ConnectionOf<Stream>::write_progress(void* self, size_t bytes) {
  auto& connection = *static_cast<ConnectionOf*>(self);
  const ServerLimits& limits = connection.shard_.limits();
  connection.progress_ += bytes;
  if (connection.progress_ < limits.min_progress.count) return;
  connection.progress_ = 0;
  connection.set(in(connection.shard_.write_patience()));
}

template <class Stream>
Task<> ConnectionOf<Stream>::refuse(Refusal refusal, int status, std::string_view text) {
  shard_.tell_refused(refusal, status, text, remote_address_);
  return send_last(status, text);
}

template <class Stream>
Task<> ConnectionOf<Stream>::refuse_late() {
  shard_.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
  return refuse(parser_.state() == State::kBody ? Refusal::kBodyTimeout : Refusal::kHeadTimeout, 408, "request timeout");
}

// Answers what is not a request that could be handled.
template <class Stream>
Task<> ConnectionOf<Stream>::send_last(int status, std::string_view text) {
  phase_ = Phase::kWriting;
  timed_out_ = false;
  drop_body();
  parser_.next();
  HttpResponse response = text_response(status, text);
  if (status == 503) response.headers.add("Retry-After", "1");
  format_response_head(head_, response, shard_.date().now(), ConnectionField::kClose);
  head_.append(text).push_back('\n');
  out_.clear();
  out_.add(head_);
  co_await send_rest();
}

template <class Stream>
Task<bool> ConnectionOf<Stream>::send_continue() {
  asked_to_go_on_ = true;
  out_.clear();
  out_.add(kContinue);
  SystemError error = stream_.write_now(out_);
  if (error == asio::error::would_block) error = co_await send_rest();
  in_body_ = false;
  co_return !error;
}

template <class Stream>
void ConnectionOf<Stream>::next_request() {
  if (request_.body.capacity() > kBodyMemoryToKeep || body_charge_) drop_body();
  if (buffer_.capacity() > kBodyMemoryToKeep && buffer_.data().empty()) buffer_.shrink();
  parser_.next();
  phase_ = Phase::kIdle;
  fresh_ = in_body_ = asked_to_go_on_ = timed_out_ = false;
  set(in(shard_.limits().idle_timeout));
}

// Says that nothing more comes and waits for the other side to close: closing with unread input would reset the connection
// and could take the answer away again. In a drain that waited for a request there is no such answer: it was read long ago.
template <class Stream>
Task<> ConnectionOf<Stream>::close() {
  phase_ = Phase::kClosing;
  timed_out_ = false;
  set(in(kLingerTime));
  if (!cut_) co_await stream_.finish_writing();
  if (ending_) co_return;
  std::span<char> unwanted = (buffer_.consume(buffer_.data().size()), buffer_.space());
  while (!cut_ && !timed_out_) {
    auto [error, bytes] =
        co_await stream_.socket().async_read_some(asio::buffer(unwanted.data(), unwanted.size()), async::kTuple);
    if (error) break;
  }
}

// The rest of the head, or the next `min_progress` bytes of the body, have the grace.
template <class Stream>
void ConnectionOf<Stream>::hurry() {
  if (http2_ != nullptr) return http2_->hurry();
  if (exchange_ != nullptr) return exchange_->hurry();
  if (phase_ != Phase::kReading) return;
  progress_ = request_.body.size();
  set(std::min(deadline(), in(shard_.limits().drain_grace)));
}

template <class Stream>
void ConnectionOf<Stream>::hurry_writing() {
  if (http2_ != nullptr) return http2_->hurry_writing();
  if (exchange_ != nullptr) return exchange_->hurry_writing();
  if (phase_ == Phase::kWriting) set(std::min(deadline(), in(shard_.write_patience())));
}

template <class Stream>
void ConnectionOf<Stream>::end_if_idle() {
  if (http2_ != nullptr) return http2_->end_if_idle();
  if (exchange_ != nullptr && exchange_->raw()) return cut();
  if (phase_ != Phase::kIdle) return;
  ending_ = true;
  cancel();
}

template <class Stream>
void ConnectionOf<Stream>::cut() {
  cut_ = true;
  if (exchange_ != nullptr) exchange_->lost();
  if (http2_ != nullptr) http2_->lose();
  SystemError ignored;
  stream_.socket().close(ignored);
  watch_.tell();
}

template <class Stream>
void ConnectionOf<Stream>::when_gone(void* owner, Gone gone) {
  if (cut_ && gone != nullptr) return gone(owner);
  watch_.want(owner, gone);
}

template <class Stream>
bool ConnectionOf<Stream>::client_is_there(void* self) noexcept {
  auto& connection = *static_cast<ConnectionOf*>(self);
  pollfd look{.fd = connection.bytes_.fd(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&look, 1, 0) <= 0) return true;
  connection.watch_.tell();
  return false;
}

template <class Stream>
void ConnectionOf<Stream>::expired() noexcept {
  timed_out_ = true;
  cancel();
}

template <class Stream>
void ConnectionOf<Stream>::cancel() {
  SystemError ignored;
  stream_.socket().cancel(ignored);
}

}  // namespace

std::unique_ptr<ServerConnection> make_plain_connection(ServerShard& shard, Socket socket) {
  return std::make_unique<ConnectionOf<PlainStream>>(shard, std::move(socket));
}

std::unique_ptr<ServerConnection> make_tls_connection(ServerShard& shard, Socket socket) {
  try {
    return std::make_unique<ConnectionOf<TlsStream>>(shard, std::move(socket), *shard.tls());
  } catch (const boost::system::system_error&) {
    return nullptr;
  }
}

}  // namespace fiso::net

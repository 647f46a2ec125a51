#include "net/client_exchange.h"

#include <algorithm>
#include <utility>

#include "async/yield.h"
#include "base/check.h"
#include "net/http2_client_stream.h"

namespace fiso::net {
namespace {

constexpr int kInterimResponses = 16;  // before the answer proper
constexpr int kRefusals = 3;           // of a stream, after which its request is not sent again

}  // namespace

ClientExchange::ClientExchange(HttpClient& client)
    : client_(client), read_alarm_(client.shard_.watchdog(), this, late), write_alarm_(client.shard_.watchdog(), this, late) {}

ClientExchange::~ClientExchange() {
  if (connection_ != nullptr || stream_ != nullptr) abort();
  finish();
}

Task<Result<>> ClientExchange::start(const StreamedRequest& request, MonotonicTime deadline) {
  FISO_CHECK(request_ == nullptr);
  request_ = &request;
  async::Limiter* limit = client_.options_.connections;
  if (limit != nullptr && !(permit_ = limit->try_acquire())) {
    Result<async::Limiter::Permit> permit = co_await limit->acquire(deadline);
    // The other side has not been asked yet: it is not what is late.
    if (!permit.has_value() && permit.error().code() == ErrorCode::kTimeout)
      co_return Error(ErrorCode::kOverloaded, "no connection was free in time").with_context(client_.peer());
    FISO_CO_TRY(permit_, std::move(permit));
  }
  counted_ = true;
  // Alone there is nobody to send together with.
  if (++client_.under_way_ > 1) co_await async::yield(client_.shard_);
  FISO_CO_TRY_OK(co_await open(Take::kAny, deadline));
  co_return co_await send_first(deadline);
}

Task<Result<>> ClientExchange::open(Take take, MonotonicTime deadline) {
  stream_ = nullptr;
  bool is_upgrade = !request_->head.upgrade.empty() && client_.options_.speaks != Speaks::kHttp2;
  if (client_.http2_ != nullptr && !is_upgrade) {
    FISO_CO_TRY(HttpClient::Carrier found, co_await client_.find_http2(deadline));
    kept_ = take == Take::kAny && found.session != nullptr && found.session->used();
    if (found.session != nullptr) stream_ = std::make_shared<Http2ClientStream>(std::move(found.session), client_.options_);
    connection_ = std::move(found.connection);
  } else {
    FISO_CO_TRY_OK(co_await open_http1(take, deadline));
  }
  if (aborted_) {
    abort();
    co_return Error(ErrorCode::kCancelled, "the exchange was given up");
  }
  co_return Result<>();
}

Task<Result<>> ClientExchange::open_http1(Take take, MonotonicTime deadline) {
  connection_ = take == Take::kAny ? client_.take_idle() : nullptr;
  kept_ = connection_ != nullptr;
  if (!kept_) {
    FISO_CO_TRY(connection_, co_await client_.connect(deadline));
  }
  co_return Result<>();
}

Task<Result<>> ClientExchange::send_first(MonotonicTime deadline) {
  if (stream_ != nullptr) {
    wrote_ = true;
    co_return co_await stream_->start(*request_, deadline);
  }
  next_message();
  FISO_CO_TRY_OK(format_request_head(parts().head, request_->head));
  parts().out.clear();
  parts().out.add(parts().head);
  add_piece(request_->body);
  if (!request_->more && request_->trailers != nullptr) set_trailers(*request_->trailers);
  if (!request_->more) add_last_chunk();
  SystemError error = co_await flush(deadline);
  wrote_ = wrote_ || !error || !nothing_sent();
  sent_ = !error && !request_->more;
  if (error && kept_ && nothing_sent() && !late_ && !aborted_) co_return co_await again(deadline);
  co_return Result<>();  // the other side may have answered before it closed
}

Task<Result<>> ClientExchange::again(MonotonicTime deadline) {
  if (!sent_again_.has_value()) sent_again_.emplace(client_.shard_.executor());
  sent_again_->reset();
  Result<> sent = co_await open(Take::kNew, deadline);
  if (sent.has_value()) sent = co_await send_first(deadline);
  sent_again_->set();
  co_return sent;
}

Task<Result<>> ClientExchange::wait_to_write(MonotonicTime deadline) {
  while (sent_again_.has_value() && !sent_again_->is_set()) {
    bool is_late = !co_await sent_again_->wait(deadline) && std::chrono::steady_clock::now() >= deadline;
    if (is_late) co_return failed({ErrorCode::kTimeout, "timeout"});
  }
  if (is_between_connections() || aborted_) co_return failed({ErrorCode::kUnavailable, "connection failed"});
  co_return Result<>();
}

bool ClientExchange::nothing_sent() const {
  std::span<iovec> left = parts().out.left();
  return !left.empty() && left.front().iov_base == parts().head.data();
}

bool ClientExchange::may_send_again(const Error& error) const {
  return kept_ && !wrote_more_ && !heard_ && !late_ && !aborted_ && request_->replay == Replay::kAllowed &&
         error.code() == ErrorCode::kUnavailable;
}

void ClientExchange::next_message() {
  ResponseParser& parser = parts().parser;
  parser.next(request_->head.method == "HEAD" ? ResponseParser::Body::kNone : ResponseParser::Body::kByHeaders);
  if (!request_->head.upgrade.empty()) parser.allow_upgrade();
}

// Into the gather list, with its framing.
void ClientExchange::add_piece(std::string_view piece) {
  if (piece.empty()) return;
  bool chunked = request_->head.framing == Framing::kChunked;
  if (chunked) parts().out.add(chunk_head_.format(piece.size()));
  parts().out.add(piece);
  if (chunked) parts().out.add(kChunkEnd);
}

void ClientExchange::add_last_chunk() {
  if (request_->head.framing != Framing::kChunked) return;
  if (!trailers_.empty()) format_last_chunk(last_chunk_, trailers_);
  parts().out.add(last_chunk_.empty() ? kLastChunk : std::string_view(last_chunk_));
}

void ClientExchange::set_trailers(const HeaderList& trailers) { trailers_ = trailers; }

Task<SystemError> ClientExchange::flush(MonotonicTime deadline) {
  if (aborted_) co_return asio::error::operation_aborted;
  SystemError error = parts().stream.write_now(parts().out);
  if (error == asio::error::would_block) {
    write_alarm_.set(deadline);
    error = co_await parts().stream.write(parts().out, nullptr, [](void*, size_t) {});
    write_alarm_.clear();
  }
  co_return error;
}

Task<Result<>> ClientExchange::write(std::string_view piece, MonotonicTime deadline) {
  if (!may_write()) {
    FISO_CO_TRY_OK(co_await wait_to_write(deadline));
  }
  wrote_more_ = true;
  if (stream_ != nullptr) co_return named(co_await stream_->write(piece, deadline));
  parts().out.clear();
  add_piece(piece);
  SystemError error = co_await flush(deadline);
  if (error) co_return failed(client_network_error(error));
  co_return Result<>();
}

Task<Result<>> ClientExchange::end(MonotonicTime deadline) {
  if (!may_write()) {
    FISO_CO_TRY_OK(co_await wait_to_write(deadline));
  }
  wrote_more_ = true;
  if (stream_ != nullptr) {
    if (!trailers_.empty()) stream_->set_trailers(trailers_);
    co_return named(co_await stream_->end(deadline));
  }
  parts().out.clear();
  add_last_chunk();
  SystemError error = co_await flush(deadline);
  if (error) co_return failed(client_network_error(error));
  sent_ = true;
  co_return Result<>();
}

// A request that was refused is sent again whatever its method: nothing was done about it (RFC 9113 section 8.7).
Task<Result<HttpResponse*>> ClientExchange::read_stream_head(MonotonicTime deadline) {
  Result<HttpResponse*> head = co_await stream_->read_head(deadline);
  heard_ = stream_->heard();
  late_ = stream_->late();
  if (head.has_value()) {
    if ((*head)->status < 200 && ++interim_ > kInterimResponses)
      co_return failed(Error(ErrorCode::kUnavailable, "too many interim responses"));
    co_return head;
  }
  bool refused = stream_->refused() && !wrote_more_ && !late_ && !aborted_ && ++refusals_ <= kRefusals;
  bool cut_off = stream_->cut_off() && may_send_again(head.error());
  if (!refused && !cut_off) co_return failed(head.take_error());
  FISO_CO_TRY_OK(co_await again(deadline));
  co_return co_await read_head(deadline);
}

Task<Result<HttpResponse*>> ClientExchange::read_head(MonotonicTime deadline) {
  if (stream_ != nullptr) co_return co_await read_stream_head(deadline);
  ClientStreaming* now = &parts();
  connection_->begin_wait();
  if (std::exchange(interim_given_, false)) {
    next_message();
    now->buffer.consume(now->parser.feed(now->buffer.data()));
  }
  while (!now->parser.head_read() || now->parser.state() == State::kFailed) {
    Result<> received = co_await receive(deadline);
    if (received.has_value()) continue;
    if (!may_send_again(received.error())) co_return received.take_error();
    FISO_CO_TRY_OK(co_await again(deadline));
    now = &parts();  // of another connection
    connection_->begin_wait();
  }
  connection_->end_wait();
  int status = now->response.status;
  interim_given_ = status < 200 && status != 101;
  if (interim_given_ && ++interim_ > kInterimResponses)
    co_return failed(Error(ErrorCode::kUnavailable, "too many interim responses"));
  if (!interim_given_) connection_->note_kept_open(now->response.headers);
  co_return &now->response;
}

void ClientExchange::extend(MonotonicTime deadline) {
  if (stream_ != nullptr) return stream_->extend(deadline);
  if (read_alarm_.deadline() != kNever) read_alarm_.set(deadline);
}

Task<Result<>> ClientExchange::receive(MonotonicTime deadline) {
  ClientStreaming& now = parts();
  if (now.parser.state() == State::kFailed) co_return parse_error();
  if (aborted_) co_return failed(client_network_error(asio::error::operation_aborted));
  read_alarm_.set(deadline);
  auto [error, bytes] = co_await now.stream.read_some(now.buffer.space());
  read_alarm_.clear();
  if (bytes == 0) {
    if (error == asio::error::eof && !late_ && !aborted_ && now.parser.finish()) co_return Result<>();
    co_return failed(client_network_error(error));
  }
  heard_ = true;
  now.buffer.filled(bytes);
  now.buffer.consume(now.parser.feed(now.buffer.data()));
  if (now.parser.state() == State::kFailed) co_return parse_error();
  co_return Result<>();
}

std::optional<uint64_t> ClientExchange::length() const {
  if (stream_ != nullptr) return stream_->length();
  return parts().parser.chunked() ? std::nullopt : parts().parser.length();
}

Task<Result<std::string_view>> ClientExchange::read(MonotonicTime deadline) {
  if (stream_ != nullptr) {
    Result<std::string_view> piece = co_await stream_->read(deadline);
    late_ = stream_->late();
    if (!piece.has_value()) co_return failed(piece.take_error());
    co_return piece;
  }
  ResponseParser& parser = parts().parser;
  if (std::exchange(piece_given_, false)) parser.drop_piece();
  while (parser.piece().empty() && !complete()) {
    FISO_CO_TRY_OK(co_await receive(deadline));
  }
  piece_given_ = !parser.piece().empty();
  co_return parser.piece();
}

bool ClientExchange::piece_here() const {
  if (stream_ != nullptr) return stream_->ready();
  return (!piece_given_ && !parts().parser.piece().empty()) || complete();
}

bool ClientExchange::complete() const {
  return stream_ != nullptr ? stream_->complete() : parts().parser.state() == State::kComplete;
}

const HeaderList& ClientExchange::trailers() const {
  return stream_ != nullptr ? stream_->trailers() : parts().parser.trailers();
}

ByteStream& ClientExchange::stream() { return parts().stream; }

std::string_view ClientExchange::ahead() const { return parts().buffer.data(); }

// Why something ended early is better known here than by the socket.
Error ClientExchange::failed(Error error) const {
  if (aborted_) return {ErrorCode::kCancelled, "the exchange was given up"};
  if (late_) error = Error(ErrorCode::kTimeout, "timeout");
  return std::move(error).with_context(client_.peer());
}

Result<> ClientExchange::named(Result<> result) const {
  return result.has_value() ? std::move(result) : failed(result.take_error());
}

Error ClientExchange::parse_error() const {
  const ResponseParser& parser = parts().parser;
  if (parser.error_status() == 431) return failed({ErrorCode::kUnavailable, "response headers too large"});
  return failed(Error(ErrorCode::kUnavailable, "malformed response").with_context(std::string(parser.error_text())));
}

void ClientExchange::finish() {
  read_alarm_.clear();
  write_alarm_.clear();
  if (stream_ != nullptr) stream_->finish();
  stream_ = nullptr;
  if (connection_ != nullptr) {
    ClientStreaming& now = parts();
    bool clean = !aborted_ && !late_ && sent_ && complete() && now.response.status >= 200;
    bool reusable = clean && now.parser.keep_alive() && now.buffer.data().empty();
    if (reusable) now.buffer.shrink();
    connection_->set_reusable(reusable);
    client_.keep(std::exchange(connection_, nullptr));
  }
  if (std::exchange(counted_, false)) --client_.under_way_;
  permit_.release();
}

void ClientExchange::abort() {
  aborted_ = true;
  if (stream_ != nullptr) stream_->abort();
  if (connection_ != nullptr) parts().stream.close(ByteStream::Close::kUsual);
}

void ClientExchange::late(void* self) noexcept {
  auto& exchange = *static_cast<ClientExchange*>(self);
  exchange.late_ = true;
  exchange.parts().stream.close(ByteStream::Close::kUsual);
}

}  // namespace fiso::net

#include "net/server_exchange.h"

#include <poll.h>

#include <algorithm>

#include "async/yield.h"
#include "base/check.h"
#include "net/hop_fields.h"
#include "net/stream_head.h"

namespace fiso::net {
namespace {

constexpr uint64_t kPassOver = 256 << 10;  // of a body that the service did not want
constexpr std::chrono::seconds kPassOverTime{2};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

}  // namespace

ConnectionExchange::ConnectionExchange(const Parts& parts)
    : parts_(parts),
      stream_(parts.stream),
      parser_(parts.parser),
      asking_(parts.shard.shard().executor()),
      read_alarm_(parts.shard.shard().watchdog(), this, read_is_late),
      write_alarm_(parts.shard.shard().watchdog(), this, write_is_late),
      watch_(parts.shard.shard().watchdog(), this, client_is_there),
      body_time_(parts.shard.limits().body_timeout) {}

std::optional<uint64_t> ConnectionExchange::body_length() const {
  if (parser_.chunked()) return std::nullopt;
  return parser_.length().value_or(0);
}

Task<Result<std::string_view>> ConnectionExchange::read() {
  if (std::exchange(piece_given_, false)) parser_.drop_piece();
  while (parser_.piece().empty() && parser_.state() == State::kBody && !reading_stopped_) {
    if (parser_.expects_continue() && !asked_to_go_on_) {
      FISO_CO_TRY_OK(co_await send_continue());
    }
    FISO_CO_TRY_OK(co_await receive());
  }
  if (reading_stopped_) co_return Error(ErrorCode::kCancelled, "the body is not read any further");
  if (parser_.state() == State::kFailed) co_return malformed().take_error();
  piece_given_ = !parser_.piece().empty();
  co_return parser_.piece();
}

Result<> ConnectionExchange::malformed() {
  if (fault_status_ == 0) parts_.shard.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
  fault_status_ = parser_.error_status();
  fault_text_ = parser_.error_text();
  return Error(ErrorCode::kInvalidInput, std::string(fault_text_));
}

// After the answer's head it would be taken for the next answer.
Task<Result<>> ConnectionExchange::send_continue() {
  if (begun_) co_return Error(ErrorCode::kCancelled, "the client was not asked for the body");
  asked_to_go_on_ = true;
  Gather bytes;
  bytes.add(kContinue);
  SystemError error = stream_.write_now(bytes);
  if (error == asio::error::would_block) {
    [[maybe_unused]] async::Gate::Pass pass = asking_.enter();
    write_alarm_.set(in(parts_.shard.write_patience()));
    error = co_await stream_.write(bytes, this, write_progress);
    write_alarm_.clear();
  }
  if (error) co_return cancelled();
  co_return Result<>();
}

// Only waiting counts: whoever is slow to take the pieces does not use up the client's time.
Task<Result<>> ConnectionExchange::receive() {
  if (gone_) co_return cancelled();
  MonotonicTime began = std::chrono::steady_clock::now();
  if (!begun_) body_time_ = parts_.shard.patience(body_time_);
  read_alarm_.set(began + body_time_);
  auto [error, bytes] = co_await stream_.read_some(parts_.buffer.space());
  read_alarm_.clear();
  if (bytes == 0) co_return nothing_received();
  body_time_ -= std::chrono::steady_clock::now() - began;
  read_progress_ += bytes;
  if (read_progress_ >= limits().min_progress.count) {
    read_progress_ = 0;
    body_time_ = limits().body_timeout;
  }
  parts_.buffer.filled(bytes);
  parts_.buffer.consume(parser_.feed(parts_.buffer.data()));
  co_return Result<>();
}

// Once the answer has begun the two are talking, and both may pause.
void ConnectionExchange::hurry() {
  if (begun_ || read_alarm_.deadline() == kNever) return;
  read_alarm_.set(std::min(read_alarm_.deadline(), in(limits().drain_grace)));
}

void ConnectionExchange::hurry_writing() {
  if (write_alarm_.deadline() == kNever) return;
  write_alarm_.set(std::min(write_alarm_.deadline(), in(parts_.shard.write_patience())));
}

Result<> ConnectionExchange::nothing_received() {
  if (reading_stopped_ && !gone_) return {};
  if (read_late_ && !gone_) {
    parts_.shard.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
    fault_status_ = 408;
    fault_text_ = "request timeout";
    return Error(ErrorCode::kTimeout, std::string(fault_text_));
  }
  lost();
  return cancelled();
}

void ConnectionExchange::stop_reading() {
  reading_stopped_ = true;
  if (read_alarm_.deadline() != kNever) stream_.cancel();
}

Task<Result<>> ConnectionExchange::inform(int status, const HeaderList& headers) {
  FISO_CHECK(!begun_ && status >= 100 && status < 200 && status != 101);
  if (parser_.http_1_0()) co_return Result<>();
  if (status == 100) asked_to_go_on_ = true;
  ResponseHead head{.status = status, .headers = headers};
  format_response_head(parts_.head, head);
  head_waits_ = true;
  parts_.out.clear();
  co_return co_await flush();
}

void ConnectionExchange::begin(int status, const HeaderList& headers, std::optional<uint64_t> length) {
  FISO_CHECK(!begun_ && !raw_);
  begun_ = head_waits_ = true;
  bodyless_ = status == 204 || status == 304 || parts_.request.method == "HEAD";
  chunked_ = !bodyless_ && !length && !parser_.http_1_0();
  to_the_end_ = !bodyless_ && !length && parser_.http_1_0();
  if (!bodyless_) left_ = length;
  bool not_asked_for = parser_.expects_continue() && !asked_to_go_on_ && parser_.state() == State::kBody;
  last_ = !parser_.keep_alive() || parts_.shard.draining() || to_the_end_ || not_asked_for || fault_status_ != 0;
  ResponseHead head{.status = status, .headers = headers, .date = parts_.shard.date().now()};
  head.framing = chunked_ ? Framing::kChunked : length && status != 204 ? Framing::kLength : Framing::kNone;
  head.length = length.value_or(0);
  head.connection = last_ ? "close" : parser_.http_1_0() ? "keep-alive" : "";
  format_response_head(parts_.head, head);
}

// Into the gather list, with its framing.
void ConnectionExchange::add_piece(std::string_view piece) {
  if (piece.empty() || bodyless_) return;
  if (left_) *left_ -= piece.size();
  if (chunked_) parts_.out.add(chunk_head_.format(piece.size()));
  parts_.out.add(piece);
  if (chunked_) parts_.out.add(kChunkEnd);
}

Task<Result<>> ConnectionExchange::write(std::string_view piece) {
  FISO_CHECK(begun_ && !ended_);
  if (left_ && !bodyless_ && piece.size() > *left_) co_return Error(ErrorCode::kInternal, "the answer is longer than it said");
  parts_.out.clear();
  if (head_waits_) parts_.out.add(parts_.head);
  add_piece(piece);
  if (parts_.out.empty()) co_return Result<>();
  co_return co_await flush();
}

void ConnectionExchange::set_trailers(const HeaderList& trailers) {
  if (chunked_ && !trailers.empty() && takes_trailers(parts_.request.headers)) format_last_chunk(last_chunk_, trailers);
}

Task<Result<>> ConnectionExchange::end(std::string_view last_piece) {
  FISO_CHECK(begun_ && !ended_);
  if (left_ && !bodyless_ && last_piece.size() != *left_)
    co_return Error(ErrorCode::kInternal, "the answer has another length than it said");
  parts_.out.clear();
  if (head_waits_) parts_.out.add(parts_.head);
  add_piece(last_piece);
  if (chunked_) parts_.out.add(last_chunk_.empty() ? kLastChunk : std::string_view(last_chunk_));
  if (!parts_.out.empty()) {
    FISO_CO_TRY_OK(co_await flush());
  }
  ended_ = true;
  co_return Result<>();
}

// A head that waits goes first: it is in the gather list already, or alone.
Task<Result<>> ConnectionExchange::flush() {
  if (std::exchange(head_waits_, false)) {
    if (parts_.out.empty()) parts_.out.add(parts_.head);
    // Alone on the shard there is nobody to send together with.
    if (parts_.shard.load() > 1) co_await async::yield(parts_.shard.shard());
  }
  if (asking_.inside() > 0) co_await asking_.wait_empty();
  if (gone_) co_return cancelled();
  SystemError error = stream_.write_now(parts_.out);
  if (error == asio::error::would_block) error = co_await flush_rest();
  if (!error) co_return Result<>();
  bool late = write_late_ && !gone_;
  if (late) {
    parts_.shard.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
    parts_.shard.tell_refused(ConnectionRefusal::kSlowReader, kNotTaken, parts_.request.remote_address);
  }
  lost();
  co_return late ? Error(ErrorCode::kCancelled, std::string(kNotTaken)) : cancelled().take_error();
}

// Ending a read ends a write that waits, too; on a plain stream it can just go on.
Task<SystemError> ConnectionExchange::flush_rest() {
  write_progress_ = 0;
  write_alarm_.set(in(parts_.shard.write_patience()));
  SystemError error;
  do {
    error = co_await stream_.write(parts_.out, this, write_progress);
  } while (error == asio::error::operation_aborted && !write_late_ && !gone_ && stream_.half_closes());
  write_alarm_.clear();
  co_return error;
}

void ConnectionExchange::write_progress(void* self, size_t bytes) {
  auto& exchange = *static_cast<ConnectionExchange*>(self);
  exchange.write_progress_ += bytes;
  if (exchange.write_progress_ < exchange.limits().min_progress.count) return;
  exchange.write_progress_ = 0;
  exchange.write_alarm_.set(in(exchange.parts_.shard.write_patience()));
}

auto ConnectionExchange::upgrade(std::string_view protocol, const HeaderList& headers) -> Task<Result<Raw>> {
  FISO_CHECK(!begun_ && can_upgrade());
  ResponseHead head{.status = 101, .headers = headers, .connection = "upgrade", .upgrade = protocol};
  format_response_head(parts_.head, head);
  begun_ = head_waits_ = true;
  parts_.out.clear();
  FISO_CO_TRY_OK(co_await flush());
  raw_ = true;
  watch_.want(nullptr, nullptr);
  Raw raw{.stream = &stream_, .ahead = parts_.buffer.data()};
  co_return raw;
}

void ConnectionExchange::when_gone(void* owner, Gone gone) {
  if (gone_ && gone != nullptr) return gone(owner);
  watch_.want(owner, gone);
}

void ConnectionExchange::lost() {
  if (std::exchange(gone_, true)) return;
  stream_.close(ByteStream::Close::kUsual);
  watch_.tell();
}

// A side that is closed means little while its bytes are still being read.
bool ConnectionExchange::client_has_left() const {
  pollfd look{.fd = stream_.fd(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&look, 1, 0) <= 0) return false;
  return (look.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 || body_here();
}

bool ConnectionExchange::client_is_there(void* self) noexcept {
  auto& exchange = *static_cast<ConnectionExchange*>(self);
  if (!exchange.client_has_left()) return true;
  exchange.lost();
  return false;
}

void ConnectionExchange::read_is_late(void* self) noexcept {
  auto& exchange = *static_cast<ConnectionExchange*>(self);
  exchange.read_late_ = true;
  exchange.stream_.cancel();
}

void ConnectionExchange::write_is_late(void* self) noexcept {
  auto& exchange = *static_cast<ConnectionExchange*>(self);
  exchange.write_late_ = true;
  exchange.stream_.cancel();
}

auto ConnectionExchange::finish() -> Task<Next> {
  when_gone(nullptr, nullptr);
  if (raw_) co_return Next::kClose;
  if (gone_) co_return Next::kGone;
  if (!begun_) co_return co_await answer_for_the_service();
  if (!ended_) {
    stream_.close(to_the_end_ ? ByteStream::Close::kReset : ByteStream::Close::kUsual);
    co_return Next::kGone;
  }
  if (last_) co_return Next::kClose;
  if (!body_here()) co_return co_await pass_over_body();
  co_return Next::kAgain;
}

auto ConnectionExchange::answer_for_the_service() -> Task<Next> {
  if (fault_status_ == 0 && parser_.state() == State::kFailed) (void)malformed();
  bool faultless = fault_status_ == 0;
  if (faultless) {
    fault_status_ = 500;  // which makes the answer the last one
  } else {
    Refusal refusal = fault_status_ == 408 ? Refusal::kBodyTimeout : refusal_of(fault_status_);
    parts_.shard.tell_refused(refusal, fault_status_, fault_text_, parts_.request.remote_address);
  }
  HttpResponse response = text_response(fault_status_, faultless ? "the request was not answered" : fault_text_);
  Result<> sent = co_await answer(*this, response);
  co_return sent.has_value() ? Next::kClose : Next::kGone;
}

// So that the connection can carry the next request; what is too much or too slow costs the connection.
auto ConnectionExchange::pass_over_body() -> Task<Next> {
  uint64_t before = parser_.length() ? parser_.body_left() : 0;
  if (before > kPassOver) co_return Next::kClose;
  reading_stopped_ = piece_given_ = false;
  MonotonicTime until = in(kPassOverTime);
  for (uint64_t passed = 0; parser_.state() == State::kBody && passed <= kPassOver; passed += parser_.piece().size()) {
    body_time_ = until - std::chrono::steady_clock::now();
    parser_.drop_piece();
    Result<> received = co_await receive();
    if (!received.has_value()) co_return gone_ ? Next::kGone : Next::kClose;
  }
  co_return parser_.state() == State::kComplete ? Next::kAgain : Next::kClose;
}

}  // namespace fiso::net

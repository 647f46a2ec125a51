#include "net/http2_server_stream.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "net/http2_server.h"
#include "net/http_parser.h"
#include "net/wire.h"

namespace fiso::net {
namespace {

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

bool is_target(std::string_view target) {
  bool path = target.starts_with('/') || target == "*";
  return path && std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}

}  // namespace

Http2ServerStream::Http2ServerStream(Http2Server& server, ServerShard& shard)
    : Http2Stream(server),
      server_(server),
      shard_(shard),
      fields_(request_.headers, static_cast<size_t>(shard.limits().header_bytes.count), shard.limits().header_fields),
      read_alarm_(shard.shard().watchdog(), this, read_is_late),
      body_time_(shard.limits().body_timeout) {
  request_.caller = this;
  set_write_patience(limits().write_timeout);
}

void Http2ServerStream::on_field(std::string_view name, std::string_view value) {
  if (head_here_) return trailer_fields_->add(name, value);
  if (name.starts_with(':')) return take_pseudo_field(name, value);
  if (iequals(name, "expect")) {
    expects_continue_ = iequals(value, "100-continue");
    unknown_expectation_ = unknown_expectation_ || !expects_continue_;
  }
  fields_.add(name, value);
}

// Which of them have to be there, and once, nghttp2 has checked.
void Http2ServerStream::take_pseudo_field(std::string_view name, std::string_view value) {
  if (!fields_.spend(name, value)) return;
  if (name == ":method") request_.method = value;
  if (name == ":path") request_.target = value;
  if (name == ":authority") authority_ = value;
}

void Http2ServerStream::on_fields_end() {
  if (head_here_) {
    trailer_fields_->end();
    bad_trailers_ = bad_field_ || trailer_fields_->too_large();
    if (bad_trailers_) reset(NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  head_here_ = true;
  no_body_ = ended();
  fields_.end();
  trailer_fields_.emplace(trailers_, static_cast<size_t>(limits().header_bytes.count), limits().header_fields);
  check_head();
  server_.start(*this);
}

// As strict as for HTTP/1.1: what is passed on must mean one thing there, too.
void Http2ServerStream::check_head() {
  std::optional<std::string_view> host = request_.headers.find("host");
  if (fields_.too_large()) return refuse(Refusal::kHeadTooLarge, 431, "header fields too large");
  if (bad_field_) return refuse(Refusal::kMalformed, 400, "invalid header field");
  if (request_.method == "CONNECT") return refuse(Refusal::kMalformed, 400, "CONNECT is not supported");
  if (!is_field_name(request_.method)) return refuse(Refusal::kMalformed, 400, "invalid method");
  if (!is_target(request_.target)) return refuse(Refusal::kMalformed, 400, "invalid request target");
  if (host && !authority_.empty() && *host != authority_) return refuse(Refusal::kMalformed, 400, "invalid Host");
  if (authority_.empty() && host) authority_ = *host;
  if (authority_.empty() || !is_host_text(authority_)) return refuse(Refusal::kMalformed, 400, "invalid Host");
  if (unknown_expectation_) return refuse(Refusal::kExpectation, 417, "unknown expectation");
  if (!host) request_.headers.add("host", authority_);
}

void Http2ServerStream::refuse(Refusal refusal, int status, std::string_view text) {
  if (faulty()) return;
  fault_status_ = status;
  fault_text_ = text;
  if (status != 408 && status != 503) shard_.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
  if (status == 408) shard_.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
  shard_.tell_refused(refusal, status, text, request_.remote_address);
}

std::optional<uint64_t> Http2ServerStream::body_length() const {
  if (no_body_) return 0;
  std::optional<std::string_view> told = request_.headers.find("content-length");
  return told ? parse_length(*told) : std::nullopt;
}

Task<Result<std::string_view>> Http2ServerStream::read() {
  std::string_view piece = take();
  while (piece.empty() && !ended() && !reading_stopped_ && !closed()) {
    if (std::exchange(expects_continue_, false)) {
      HeaderList none;
      if (begun_) co_return Error(ErrorCode::kCancelled, "the client was not asked for the body");
      FISO_CO_TRY_OK(co_await inform(100, none));
    }
    co_await wait_for_body();
    if (std::exchange(read_late_, false)) co_return late().take_error();
    piece = take();
  }
  if (reading_stopped_) co_return Error(ErrorCode::kCancelled, "the body is not read any further");
  if (closed() && !body_here()) co_return cancelled().take_error();
  read_progress_ += piece.size();
  if (read_progress_ >= static_cast<uint64_t>(limits().min_progress.count)) {
    read_progress_ = 0;
    body_time_ = limits().body_timeout;
  }
  co_return piece;
}

// Only waiting counts, and not for room that other streams' bodies take. Once the answer has begun the two are talking, and both
// may pause.
Task<> Http2ServerStream::wait_for_body() {
  if (patient_ || begun_) co_return co_await wait_for_more();
  MonotonicTime began = std::chrono::steady_clock::now();
  body_time_ = shard_.patience(body_time_);
  read_alarm_.set(began + body_time_);
  co_await wait_for_more();
  read_alarm_.clear();
  body_time_ -= std::chrono::steady_clock::now() - began;
}

Result<> Http2ServerStream::late() {
  refuse(Refusal::kBodyTimeout, 408, "request timeout");
  return Error(ErrorCode::kTimeout, "request timeout");
}

void Http2ServerStream::read_is_late(void* self) noexcept {
  auto& stream = *static_cast<Http2ServerStream*>(self);
  if (stream.server_.is_full()) {
    stream.body_time_ += stream.limits().body_timeout;
    return stream.read_alarm_.set(in(stream.limits().body_timeout));
  }
  stream.read_late_ = true;
  stream.wake_reader();
}

void Http2ServerStream::hurry() {
  if (begun_ || read_alarm_.deadline() == kNever) return;
  read_alarm_.set(std::min(read_alarm_.deadline(), in(limits().drain_grace)));
}

void Http2ServerStream::stop_reading() {
  reading_stopped_ = true;
  wake_reader();
}

Task<Result<>> Http2ServerStream::inform(int status, const HeaderList& headers) {
  FISO_CHECK(!begun_ && status >= 100 && status < 200 && status != 101);
  if (closed()) co_return cancelled();
  FieldBlock block;
  block.add_status(status);
  block.add_all(headers);
  nghttp2_submit_headers(session().raw(), NGHTTP2_FLAG_NONE, id(), nullptr, block.data(), block.size(), nullptr);
  session().flush_soon();
  co_return Result<>();
}

void Http2ServerStream::begin(int status, const HeaderList& headers, std::optional<uint64_t> length) {
  FISO_CHECK(!begun_);
  begun_ = true;
  status_ = status;
  head_ = headers;
  length_ = status == 204 ? std::nullopt : length;
  bodyless_ = status == 204 || status == 304 || request_.method == "HEAD";
  if (!bodyless_) left_ = length;
  read_alarm_.clear();
}

// With kYes the answer is complete with its head.
bool Http2ServerStream::send_head(Last last) {
  if (std::exchange(head_sent_, true)) return true;
  FieldBlock block;
  block.add_status(status_);
  block.add_all(head_);
  if (!head_.contains("date")) block.add("date", shard_.date().now());
  if (length_) block.add_length(*length_);
  nghttp2_data_provider body = body_source();
  int submitted =
      nghttp2_submit_response(session().raw(), id(), block.data(), block.size(), last == Last::kYes ? nullptr : &body);
  head_.clear();
  session().flush_soon();
  return submitted == 0;
}

Task<Result<>> Http2ServerStream::put_piece(std::string_view piece, Last last) {
  if (closed()) co_return cancelled();
  if (bodyless_) piece = {};
  if (left_) *left_ -= piece.size();
  bool only_head = last == Last::kYes && piece.empty() && !head_sent_ && trailers_to_send().empty();
  put_last_ = last == Last::kYes;
  if (!send_head(only_head ? Last::kYes : Last::kNo)) {
    reset(NGHTTP2_INTERNAL_ERROR);
    co_return Error(ErrorCode::kInternal, "the answer's head cannot be sent");
  }
  if (only_head || (piece.empty() && last == Last::kNo)) co_return Result<>();
  if (co_await put(piece, last)) co_return Result<>();
  co_return write_late() ? Error(ErrorCode::kCancelled, std::string(kNotTaken)) : cancelled().take_error();
}

Task<Result<>> Http2ServerStream::write(std::string_view piece) {
  FISO_CHECK(begun_ && !put_last_);
  if (left_ && piece.size() > *left_) co_return Error(ErrorCode::kInternal, "the answer is longer than it said");
  co_return co_await put_piece(piece, Last::kNo);
}

Task<Result<>> Http2ServerStream::end(std::string_view last_piece) {
  FISO_CHECK(begun_ && !put_last_);
  if (left_ && last_piece.size() != *left_) co_return Error(ErrorCode::kInternal, "the answer has another length than it said");
  co_return co_await put_piece(last_piece, Last::kYes);
}

void Http2ServerStream::set_trailers(const HeaderList& trailers) {
  if (!bodyless_) trailers_to_send() = trailers;
}

auto Http2ServerStream::upgrade(std::string_view, const HeaderList&) -> Task<Result<Raw>> {
  co_return Error(ErrorCode::kInternal, "a stream of HTTP/2 is not upgraded");
}

void Http2ServerStream::when_gone(void* owner, Gone gone) {
  gone_owner_ = owner;
  when_gone_ = gone;
  if (closed()) on_close();  // while nobody wanted to know
}

void Http2ServerStream::on_close() {
  Gone tell = std::exchange(when_gone_, nullptr);
  if (tell != nullptr && !put_last_) tell(gone_owner_);
}

// What the client still sends nobody will read (RFC 9113 section 8.1).
void Http2ServerStream::on_all_sent() {
  if (!ended()) session().reset(id(), NGHTTP2_NO_ERROR);
}

void Http2ServerStream::on_write_late() {
  shard_.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
  shard_.tell_refused(ConnectionRefusal::kSlowReader, kNotTaken, request_.remote_address);
}

Task<> Http2ServerStream::finish() {
  when_gone(nullptr, nullptr);
  read_alarm_.clear();
  if (!closed() && !begun_) {
    HttpResponse response =
        faulty() ? text_response(fault_status_, fault_text_) : text_response(500, "the request was not answered");
    if (fault_status_ == 503) response.headers.add("Retry-After", "1");
    (void)co_await answer(*this, response);
  }
  if (!closed() && !put_last_) reset(NGHTTP2_INTERNAL_ERROR);
  drop_body();
}

}  // namespace fiso::net

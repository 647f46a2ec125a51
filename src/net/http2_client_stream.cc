#include "net/http2_client_stream.h"

#include <algorithm>
#include <utility>

#include "net/wire.h"

namespace fiso::net {
namespace {

constexpr size_t kResponseFields = 256;
constexpr size_t kInterimResponses = 16;  // that were not asked for yet

// As for HTTP/1.1; nghttp2 lets any three digits through. There is no 101 here.
bool is_status(int status) { return status >= 100 && status <= 599 && status != 101; }

bool is_target(std::string_view target) {
  bool path = target.starts_with('/') || target == "*";
  return path && std::ranges::all_of(target, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Http2ClientStream::Http2ClientStream(std::shared_ptr<Http2Client> session, const ClientOptions& options)
    : Http2Stream(*session),
      client_(std::move(session)),
      options_(options),
      sent_at_(std::chrono::steady_clock::now()),
      read_alarm_(client_->shard().watchdog(), this, is_late) {
  begin_head();
}

Task<Result<>> Http2ClientStream::start(const StreamedRequest& request, MonotonicTime deadline) {
  const RequestHead& head = request.head;
  if (!is_field_name(head.method)) co_return Error(ErrorCode::kInvalidInput, "invalid method");
  if (!is_target(head.target)) co_return Error(ErrorCode::kInvalidInput, "invalid request target");
  if (!is_field_value(head.host)) co_return Error(ErrorCode::kInvalidInput, "invalid header field");
  FieldBlock block;
  block.add(":method", head.method);
  block.add(":scheme", options_.origin.scheme == Scheme::kHttps ? "https" : "http");
  block.add(":authority", head.host);
  block.add(":path", head.target);
  block.add_all(head.headers);
  if (head.framing == Framing::kLength) block.add_length(head.length);
  if (head.takes_trailers) block.add("te", "trailers");
  bool has_trailers = request.trailers != nullptr && !request.trailers->empty();
  bool only_head = !request.more && request.body.empty() && !has_trailers;
  nghttp2_data_provider body = body_source();
  int32_t id = nghttp2_submit_request(client_->raw(), nullptr, block.data(), block.size(), only_head ? nullptr : &body, this);
  if (id < 0) co_return Error(ErrorCode::kUnavailable, "connection failed").with_context(nghttp2_strerror(id));
  client_->carry(shared_from_this(), id);
  if (only_head) co_return Result<>();
  if (has_trailers && !request.more) set_trailers(*request.trailers);
  if (request.more && request.body.empty()) co_return Result<>();
  write_by(deadline);
  (void)co_await put(request.body, request.more ? Last::kNo : Last::kYes);
  co_return Result<>();  // the other side may have answered before it stopped reading
}

Task<Result<>> Http2ClientStream::write(std::string_view piece, MonotonicTime deadline) {
  write_by(deadline);
  if (co_await put(piece, Last::kNo)) co_return Result<>();
  co_return failed();
}

Task<Result<>> Http2ClientStream::end(MonotonicTime deadline) {
  write_by(deadline);
  if (co_await put({}, Last::kYes)) co_return Result<>();
  co_return failed();
}

void Http2ClientStream::begin_head() {
  arriving_.clear();
  fields_.emplace(arriving_.headers, static_cast<size_t>(options_.max_response_headers.count), kResponseFields);
}

void Http2ClientStream::on_field(std::string_view name, std::string_view value) {
  heard_ = true;
  if (name == ":status" && !head_here_) {
    arriving_.status = static_cast<int>(parse_length(value).value_or(0));
    return;
  }
  if (!name.starts_with(':')) fields_->add(name, value);
}

void Http2ClientStream::on_fields_end() {
  fields_->end();
  too_large_ = too_large_ || fields_->too_large();
  bad_field_ = bad_field_ || (!head_here_ && !is_status(arriving_.status));
  bool too_many = heads_.size() > kInterimResponses;
  if (broken() || too_many) return reset(NGHTTP2_PROTOCOL_ERROR);
  if (!head_here_) {
    head_here_ = arriving_.status >= 200;
    heads_.push_back(std::move(arriving_));
    begin_head();
    if (head_here_) fields_.emplace(trailers_, static_cast<size_t>(options_.max_response_headers.count), kResponseFields);
  }
  wake_reader();
}

Task<> Http2ClientStream::wait(MonotonicTime deadline) {
  read_alarm_.set(deadline);
  co_await wait_for_more();
  read_alarm_.clear();
}

Task<Result<HttpResponse*>> Http2ClientStream::read_head(MonotonicTime deadline) {
  while (heads_.empty() && !closed()) co_await wait(deadline);
  if (heads_.empty() || late_) co_return failed();
  current_ = std::move(heads_.front());
  heads_.pop_front();
  co_return &current_;
}

void Http2ClientStream::extend(MonotonicTime deadline) {
  if (read_alarm_.deadline() != kNever) read_alarm_.set(deadline);
}

std::optional<uint64_t> Http2ClientStream::length() const {
  std::optional<std::string_view> told = current_.headers.find("content-length");
  return told ? parse_length(*told) : std::nullopt;
}

Task<Result<std::string_view>> Http2ClientStream::read(MonotonicTime deadline) {
  std::string_view piece = take();
  while (piece.empty() && !ended()) {
    if (closed()) co_return failed();
    co_await wait(deadline);
    piece = take();
  }
  if (piece.empty() && broken()) co_return failed();  // its trailers are
  co_return piece;
}

Error Http2ClientStream::failed() const {
  if (late()) return {ErrorCode::kTimeout, "timeout"};
  if (unsendable_) return {ErrorCode::kInvalidInput, "request headers too large"};
  if (too_large_) return {ErrorCode::kUnavailable, "response headers too large"};
  if (bad_field_) return {ErrorCode::kUnavailable, "malformed response"};
  if (client_->lost()) return {ErrorCode::kUnavailable, "connection closed before the response was complete"};
  return Error(ErrorCode::kUnavailable, "the stream was reset").with_context(nghttp2_http2_strerror(error()));
}

void Http2ClientStream::finish() {
  read_alarm_.clear();
  if (open() && !(ended() && all_sent_)) reset(NGHTTP2_CANCEL);
  drop_body();
}

void Http2ClientStream::is_late(void* self) noexcept {
  auto& stream = *static_cast<Http2ClientStream*>(self);
  stream.late_ = true;
  stream.client_->note_timeout(stream.sent_at_);
  stream.reset(NGHTTP2_CANCEL);
  stream.wake_reader();
}

}  // namespace fiso::net

#include "net/relayed_request.h"

#include <algorithm>
#include <utility>

#include "async/spawn.h"
#include "base/ascii.h"
#include "base/check.h"
#include "net/hop_fields.h"
#include "net/splice.h"

namespace fiso::net {
namespace {

std::string_view address_without_port(std::string_view address) {
  address = address.substr(0, address.rfind(':'));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  return address;
}

// The protocol to pass on the wish for; empty for none. h2c would hide requests from whoever looks at them.
std::string_view wanted_upgrade(const HttpRequest& request, const ServerExchange& exchange) {
  std::optional<std::string_view> protocol = request.headers.find("upgrade");
  if (!protocol || !exchange.can_upgrade() || has_token(*protocol, "h2c")) return {};
  for (HeaderList::Field field : request.headers)
    if (iequals(field.name, "connection") && has_token(field.value, "upgrade")) return *protocol;
  return {};
}

MonotonicTime in(Duration duration) { return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration : kNever; }

}  // namespace

RelayedRequest::Attempt::Attempt(async::Shard& shard, HttpClient& client, Duration time)
    : up(client), uploading(shard.executor()), timeout(time), deadline(in(time)) {}

RelayedRequest::RelayedRequest(async::Shard& shard, HttpClient& client, HttpRequest& request, ServerExchange& exchange,
                               const RelayOptions& options)
    : shard_(shard),
      client_(&client),
      request_(request),
      down_(exchange),
      options_(options),
      upgrade_(wanted_upgrade(request, exchange)),
      takes_trailers_(takes_trailers(request.headers)) {
  strip_named_hop_fields(request.headers);
  if (options_.forwarded == RelayOptions::Forwarded::kAdd) add_forwarded();
  down_.when_gone(this, [](void* self) noexcept {
    auto& relayed = *static_cast<RelayedRequest*>(self);
    relayed.client_gone_ = true;
    if (relayed.attempt_.has_value()) relayed.attempt_->up.abort();
  });
}

RelayedRequest::~RelayedRequest() { down_.when_gone(nullptr, nullptr); }

void RelayedRequest::add_forwarded() {
  std::string addresses;
  for (HeaderList::Field field : request_.headers)
    if (iequals(field.name, "x-forwarded-for")) addresses.append(field.value).append(", ");
  addresses.append(address_without_port(request_.remote_address));
  request_.headers.set("X-Forwarded-For", addresses);
  request_.headers.set("X-Forwarded-Proto", request_.secure ? "https" : "http");
  if (std::optional<std::string_view> host = request_.headers.find("host")) request_.headers.set("X-Forwarded-Host", *host);
}

Task<Result<>> RelayedRequest::read_body() {
  body_was_read_ = true;
  Result<std::string_view> piece = co_await down_.read();
  if (!piece.has_value()) {
    body_error_ = piece.take_error();
    co_return Error(ErrorCode::kCancelled, "request body");
  }
  body_ = *piece;
  body_is_here_ = down_.body_here();
  co_return Result<>();
}

Task<Result<>> RelayedRequest::hold_body(size_t most) {
  while (!body_is_here_ && held_.size() <= most) {
    bool whole = down_.body_here() && held_.empty();  // then it need not be copied
    FISO_CO_TRY_OK(co_await read_body());
    if (whole) co_return Result<>();
    held_.append(body_);
    body_ = held_;
  }
  co_return Result<>();
}

void RelayedRequest::use_body(std::string_view body) {
  body_ = body;
  body_is_here_ = body_is_ours_ = true;
}

Task<Result<HttpResponse*>> RelayedRequest::ask(Duration timeout) {
  FISO_CHECK(!attempt_.has_value() || body_is_here_ || unsent(), "what was not kept cannot be sent again");
  if (attempt_.has_value()) attempt_->up.finish();
  if (client_gone_) co_return Error(ErrorCode::kCancelled, "the client has gone");
  Attempt& attempt = attempt_.emplace(shard_, *client_, timeout);
  FISO_CO_TRY_OK(co_await send(attempt));
  FISO_CO_TRY(attempt.head, co_await await_answer(attempt));
  strip_named_hop_fields(attempt.head->headers);
  co_return attempt.head;
}

// A body that is here as a whole gets a length, which every target understands.
Task<Result<>> RelayedRequest::send(Attempt& attempt) {
  if (!body_is_here_ && held_.empty() && down_.body_here()) {
    FISO_CO_TRY_OK(co_await read_body());
  }
  bool more = !body_is_here_;
  std::optional<uint64_t> told = body_is_ours_ ? body_.size() : down_.body_length(), length = more ? told : body_.size();
  bool has_body = !told || *told > 0 || request_.headers.contains("content-length");
  bool has_trailers = down_.body_here() && !down_.trailers().empty();
  std::optional<std::string_view> host = request_.headers.find("host");
  bool keeps_host = host && options_.host == RelayOptions::Host::kKeep;
  const StreamedRequest& out =
      attempt.out.emplace(StreamedRequest{.head = {.method = request_.method,
                                                   .target = request_.target,
                                                   .host = keeps_host ? *host : std::string_view(client_->authority()),
                                                   .headers = request_.headers,
                                                   .framing = !has_body                 ? Framing::kNone
                                                              : length && !has_trailers ? Framing::kLength
                                                                                        : Framing::kChunked,
                                                   .length = length.value_or(0),
                                                   .upgrade = upgrade_,
                                                   .takes_trailers = takes_trailers_},
                                          .body = body_,
                                          .more = more,
                                          .trailers = has_trailers ? &down_.trailers() : nullptr,
                                          .replay = !more && is_idempotent(request_.method) ? Replay::kAllowed : Replay::kNever});
  FISO_CO_TRY_OK(co_await attempt.up.start(out, attempt.deadline));
  // Whoever streams messages may have none for a while; what waits for them is the attempt, which has its time.
  if (more && attempt.timeout > Duration::zero() && is_grpc(request_.headers)) down_.let_body_pause();
  if (more) async::spawn(shard_, upload(*this, attempt, attempt.uploading.enter()));
  co_return Result<>();
}

// Passes interim answers on. 100 is the one that is ours to say.
Task<Result<HttpResponse*>> RelayedRequest::await_answer(Attempt& attempt) {
  for (;;) {
    Result<HttpResponse*> read = co_await attempt.up.read_head(attempt.deadline);
    attempt.body_was_late = !read.has_value() && read.error().code() == ErrorCode::kTimeout && attempt.waits_for_body;
    FISO_CO_TRY(HttpResponse * head, std::move(read));
    if (head->status >= 200 || head->status == 101) {
      attempt.answered = true;
      co_return head;
    }
    if (head->status == 100) continue;
    strip_named_hop_fields(head->headers);
    FISO_CO_TRY_OK(co_await down_.inform(head->status, head->headers));
  }
}

// A target that takes no more may be answering; one whose body breaks off must not take it for complete.
Task<> RelayedRequest::upload(RelayedRequest& self, Attempt& attempt, [[maybe_unused]] async::Gate::Pass pass) {
  auto deadline = [&] { return in(attempt.answered ? self.options_.idle_timeout : attempt.timeout); };
  for (self.body_was_read_ = true;;) {
    attempt.waits_for_body = true;
    Result<std::string_view> piece = co_await self.down_.read();
    attempt.waits_for_body = false;
    if (!piece.has_value()) {
      self.body_error_ = piece.take_error();
      attempt.up.abort();
      co_return;
    }
    Result<> taken;
    if (piece->empty()) attempt.up.set_trailers(self.down_.trailers());
    if (piece->empty())
      taken = co_await attempt.up.end(deadline());
    else
      taken = co_await attempt.up.write(*piece, deadline());
    if (!taken.has_value() || piece->empty()) co_return;
    attempt.deadline = deadline();
    attempt.up.extend(attempt.deadline);
  }
}

Task<Result<std::string_view>> RelayedRequest::read_answer(MonotonicTime deadline) {
  co_return co_await attempt_->up.read(std::min(deadline, in(options_.idle_timeout)));
}

Task<Result<>> RelayedRequest::deliver() {
  HttpResponse& head = *attempt_->head;
  if (head.status == 101) co_return co_await splice(head);
  co_return co_await download(head);
}

Task<Result<>> RelayedRequest::download(HttpResponse& head) {
  ClientExchange& up = attempt_->up;
  down_.begin(head.status, head.headers, up.length());
  if (!up.piece_here()) {
    FISO_CO_TRY_OK(co_await down_.write({}));
  }
  for (;;) {
    FISO_CO_TRY(std::string_view piece, co_await up.read(in(options_.idle_timeout)));
    if (up.complete()) down_.set_trailers(up.trailers());
    if (up.complete()) co_return co_await down_.end(piece);
    FISO_CO_TRY_OK(co_await down_.write(piece));
  }
}

Task<Result<>> RelayedRequest::splice(HttpResponse& head) {
  ClientExchange& up = attempt_->up;
  std::string protocol(head.headers.find("upgrade").value_or(upgrade_));
  FISO_CO_TRY(ServerExchange::Raw raw, co_await down_.upgrade(protocol, head.headers));
  Splice both(shard_, *raw.stream, up.stream());
  co_await both.run(raw.ahead, up.ahead(), {.idle = options_.idle_timeout, .after_end = options_.end_timeout});
  co_return Result<>();
}

Task<Result<>> RelayedRequest::finish(Result<> result) {
  down_.when_gone(nullptr, nullptr);
  bool body_failed = body_error_.has_value();
  if (attempt_.has_value()) {
    if (attempt_->uploading.inside() > 0) {  // answered, or failed, before all was sent: the rest must not follow
      attempt_->up.abort();
      down_.stop_reading();
      co_await attempt_->uploading.wait_empty();
    }
    attempt_->up.finish();
  }
  if (!result.has_value() && body_failed)
    co_return std::move(*body_error_).with_code(ErrorCode::kCancelled).with_context("request body");
  co_return result;
}

}  // namespace fiso::net

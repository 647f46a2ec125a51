#include "net/relay.h"

#include <optional>
#include <string>

#include "async/spawn.h"
#include "base/ascii.h"
#include "net/client_exchange.h"
#include "net/hop_fields.h"
#include "net/splice.h"

namespace fiso::net {

struct Relay::Passing {
  Passing(async::Shard& shard, HttpClient& client, ServerExchange& exchange)
      : down(exchange), up(client), uploading(shard.executor()) {}

  ServerExchange& down;
  ClientExchange up;
  StreamedRequest* request = nullptr;
  async::Gate uploading;            // inside: the body's way to the target
  std::optional<Error> body_error;  // of the client's body
  bool answered = false;            // the answer's head has come
  int status = 0;                   // of it
};

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

bool takes_trailers(const HeaderList& headers) {
  std::optional<std::string_view> te = headers.find("te");
  return te && has_token(*te, "trailers");
}

// A body that is here as a whole gets a length, which every target understands.
void set_framing(StreamedRequest& out, const HttpRequest& request, const ServerExchange& exchange) {
  std::optional<uint64_t> length = exchange.body_length();
  out.more = !exchange.body_here();
  if (!out.more) length = out.body.size();
  bool told = !length || *length > 0 || !exchange.body_length() || request.headers.contains("content-length");
  out.head.framing = !told ? Framing::kNone : length ? Framing::kLength : Framing::kChunked;
  out.head.length = length.value_or(0);
}

}  // namespace

MonotonicTime Relay::in(Duration duration) const {
  return duration > Duration::zero() ? std::chrono::steady_clock::now() + duration : kNever;
}

Task<Result<int>> Relay::pass(HttpRequest& request, ServerExchange& down) {
  Passing passing(shard_, client_, down);
  down.when_gone(&passing.up, [](void* up) noexcept { static_cast<ClientExchange*>(up)->abort(); });
  Result<> result = co_await exchange(request, passing);
  down.when_gone(nullptr, nullptr);
  bool body_failed = passing.body_error.has_value();
  if (passing.uploading.inside() > 0) {  // answered, or failed, before all was sent: the rest must not follow
    passing.up.abort();
    down.stop_reading();
    co_await passing.uploading.wait_empty();
  }
  passing.up.finish();
  if (!result.has_value() && body_failed)
    co_return std::move(*passing.body_error).with_code(ErrorCode::kCancelled).with_context("request body");
  if (!result.has_value()) co_return result.take_error();
  co_return passing.status;
}

Task<Result<>> Relay::exchange(HttpRequest& request, Passing& passing) {
  StreamedRequest out{.head = {.headers = request.headers}};
  passing.request = &out;
  std::string upgrade(wanted_upgrade(request, passing.down));
  out.head.takes_trailers = takes_trailers(request.headers);
  strip_named_hop_fields(request.headers);
  if (options_.forwarded == RelayOptions::Forwarded::kAdd) forward(request);
  if (passing.down.body_here()) {
    FISO_CO_TRY(out.body, co_await passing.down.read());
  }
  set_framing(out, request, passing.down);
  out.head.method = request.method;
  out.head.target = request.target;
  std::optional<std::string_view> host = request.headers.find("host");
  std::string_view authority = client_.authority();
  out.head.host = host && options_.host == RelayOptions::Host::kKeep ? *host : authority;
  out.head.upgrade = upgrade;
  if (!out.more && is_idempotent(request.method)) out.replay = Replay::kAllowed;
  FISO_CO_TRY_OK(co_await passing.up.start(out, in(options_.timeout)));
  if (out.more) async::spawn(shard_, upload(*this, passing, passing.uploading.enter()));
  FISO_CO_TRY(HttpResponse * head, co_await await_answer(passing));
  strip_named_hop_fields(head->headers);
  if (head->status == 101) co_return co_await splice(*head, passing);
  co_return co_await download(*head, passing);
}

// Passes interim answers on. 100 is the one that is ours to say.
Task<Result<HttpResponse*>> Relay::await_answer(Passing& passing) {
  MonotonicTime deadline = in(options_.timeout);
  for (;;) {
    FISO_CO_TRY(HttpResponse * head, co_await passing.up.read_head(deadline));
    if (head->status >= 200 || head->status == 101) {
      passing.answered = true;
      passing.status = head->status;
      co_return head;
    }
    if (head->status == 100) continue;
    strip_named_hop_fields(head->headers);
    FISO_CO_TRY_OK(co_await passing.down.inform(head->status, head->headers));
  }
}

// A target that takes no more may be answering; one whose body breaks off must not take it for complete.
Task<> Relay::upload(const Relay& self, Passing& passing, [[maybe_unused]] async::Gate::Pass pass) {
  for (;;) {
    Result<std::string_view> piece = co_await passing.down.read();
    if (!piece.has_value()) {
      passing.body_error = piece.take_error();
      passing.up.abort();
      co_return;
    }
    MonotonicTime deadline = self.in(passing.answered ? self.options_.idle_timeout : self.options_.timeout);
    Result<> taken;
    if (piece->empty())
      taken = co_await passing.up.end(deadline);
    else
      taken = co_await passing.up.write(*piece, deadline);
    if (!taken.has_value() || piece->empty()) co_return;
    passing.up.extend(self.in(passing.answered ? self.options_.idle_timeout : self.options_.timeout));
  }
}

Task<Result<>> Relay::download(HttpResponse& head, Passing& passing) {
  passing.down.begin(head.status, head.headers, passing.up.length());
  if (!passing.up.piece_here()) {
    FISO_CO_TRY_OK(co_await passing.down.write({}));
  }
  for (;;) {
    FISO_CO_TRY(std::string_view piece, co_await passing.up.read(in(options_.idle_timeout)));
    if (passing.up.complete()) co_return co_await passing.down.end(piece);
    FISO_CO_TRY_OK(co_await passing.down.write(piece));
  }
}

Task<Result<>> Relay::splice(HttpResponse& head, Passing& passing) {
  std::string protocol(head.headers.find("upgrade").value_or(passing.request->head.upgrade));
  FISO_CO_TRY(ServerExchange::Raw raw, co_await passing.down.upgrade(protocol, head.headers));
  Splice both(shard_, *raw.stream, passing.up.stream());
  co_await both.run(raw.ahead, passing.up.ahead(), {.idle = options_.idle_timeout, .after_end = options_.end_timeout});
  co_return Result<>();
}

void Relay::forward(HttpRequest& request) const {
  std::string addresses;
  for (HeaderList::Field field : request.headers)
    if (iequals(field.name, "x-forwarded-for")) addresses.append(field.value).append(", ");
  addresses.append(address_without_port(request.remote_address));
  request.headers.set("X-Forwarded-For", addresses);
  request.headers.set("X-Forwarded-Proto", request.secure ? "https" : "http");
  if (std::optional<std::string_view> host = request.headers.find("host")) request.headers.set("X-Forwarded-Host", *host);
}

}  // namespace fiso::net

#include "net/http2_server.h"

#include <algorithm>
#include <utility>

#include "async/spawn.h"
#include "net/http2_server_stream.h"

namespace fiso::net {
namespace {

// Up to which bodies do not count against the budget: as of a connection of HTTP/1.1.
constexpr size_t kUncharged = 16 << 10;
// Of what streams hold that nobody has taken: up to it for nothing, as the buffer of a connection of HTTP/1.1.
constexpr size_t kChargeStep = 64 << 10;

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

}  // namespace

Http2Server::Http2Server(const Parts& parts)
    : Http2Session(parts.shard.shard(), parts.stream, Side::kServer,
                   {parts.shard.limits().header_bytes, parts.shard.limits().write_timeout, parts.shard.limits().min_progress}),
      parts_(parts),
      handling_(parts.shard.shard().executor()),
      alarm_(parts.shard.shard().watchdog(), this, is_late) {}

Task<bool> Http2Server::serve(std::string_view ahead, MonotonicTime first_request_by) {
  alarm_.set(first_request_by);
  co_await run(ahead);
  if (handling_.inside() > 0) lose();  // of streams that are no more: nobody waits for their answers
  parts_.phase = ServerConnection::Phase::kClosing;
  alarm_.clear();
  co_await handling_.wait_empty();
  co_return !lost();
}

// A stream beyond what is handled is refused before anything is kept of it: given up ones are still handled for a while.
void Http2Server::on_head(int32_t stream, bool is_new) {
  in_head_ = true;
  alarm_.set(in(parts_.shard.patience(parts_.shard.limits().header_timeout)));
  if (!is_new) return;
  if (handling_.inside() >= kHttp2Streams) return reset(stream, NGHTTP2_REFUSED_STREAM);
  auto request = std::make_shared<Http2ServerStream>(*this, parts_.shard);
  request->request().remote_address = parts_.remote_address;
  request->request().secure = parts_.secure;
  adopt(std::move(request), stream);
}

void Http2Server::on_head_end() {
  if (!std::exchange(in_head_, false)) return;
  fresh_ = false;
  wait_for_request();
}

// The other side really speaks HTTP/2: it may take as long to ask as between two requests.
void Http2Server::on_settings() {
  if (!std::exchange(fresh_, false)) return;
  alarm_.clear();
  wait_for_request();
}

// The idle time begins when the last request has ended, whatever else is said meanwhile.
void Http2Server::wait_for_request() {
  if (in_head_ || fresh_) return;
  using Phase = ServerConnection::Phase;
  bool is_idle = handling_.inside() == 0 && streams() == 0;
  if (handling_.inside() == 0) parts_.phase = is_idle ? Phase::kIdle : Phase::kWriting;
  if (!is_idle) return alarm_.clear();
  if (alarm_.deadline() == kNever) alarm_.set(in(parts_.shard.limits().idle_timeout));
}

void Http2Server::is_late(void* self) noexcept {
  auto& server = *static_cast<Http2Server*>(self);
  if (server.in_head_) {
    server.parts_.shard.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
    server.parts_.shard.tell_refused(Refusal::kHeadTimeout, 408, "request timeout", server.parts_.remote_address);
  }
  server.terminate(NGHTTP2_NO_ERROR);
}

void Http2Server::start(Http2ServerStream& stream) {
  parts_.phase = ServerConnection::Phase::kHandling;
  auto shared = std::static_pointer_cast<Http2ServerStream>(keep(stream));
  async::spawn(shard(), handle(std::move(shared), *this, handling_.enter()));
}

Task<> Http2Server::handle(std::shared_ptr<Http2ServerStream> stream, Http2Server& self, async::Gate::Pass pass) {
  StreamingService* streaming = self.parts_.shard.service().streaming();
  if (!stream->faulty() && streaming != nullptr)
    co_await streaming->serve(stream->request(), *stream);
  else if (!stream->faulty())
    co_await self.call_service(*stream);
  co_await stream->finish();
  stream.reset();
  pass = {};
  self.wait_for_request();
}

Task<> Http2Server::call_service(Http2ServerStream& stream) {
  async::Limiter::Permit charge;
  Result<> read = co_await read_body(stream, charge);
  if (!read.has_value()) co_return;
  HttpResponse response = co_await parts_.shard.service().call(stream.request());
  std::string().swap(stream.request().body);
  charge.release();
  if (!stream.gone()) (void)co_await answer(stream, response);
}

Task<Result<>> Http2Server::read_body(Http2ServerStream& stream, async::Limiter::Permit& charge) {
  std::string& body = stream.request().body;
  size_t most = static_cast<size_t>(parts_.shard.limits().body_bytes.count);
  BodyBudget* bodies = parts_.shard.shared().bodies;
  bool too_large = stream.body_length().value_or(0) > most;
  while (!too_large) {
    FISO_CO_TRY(std::string_view piece, co_await stream.read());
    if (piece.empty()) co_return Result<>();
    too_large = piece.size() > most - body.size();
    if (too_large) break;
    body.append(piece);
    if (bodies == nullptr || body.size() <= std::max<size_t>(kUncharged, charge.units())) continue;
    async::Limiter::Permit more = bodies->bytes.try_acquire(body.size() - charge.units());
    if (!more) {
      bodies->refused.increment();
      stream.refuse(Refusal::kTooManyBodies, 503, "too many request bodies are held");
      co_return Error(ErrorCode::kOverloaded, "too many request bodies are held");
    }
    charge.join(std::move(more));
  }
  stream.refuse(Refusal::kBodyTooLarge, 413, "body too large");
  co_return Error(ErrorCode::kInvalidInput, "body too large");
}

// Without a share of the budget the stream that wants one goes.
bool Http2Server::hold(size_t bytes) {
  Http2Session::hold(bytes);
  BodyBudget* bodies = parts_.shard.shared().bodies;
  if (bodies == nullptr || held() <= kChargeStep + held_charge_.units()) return true;
  async::Limiter::Permit more = bodies->bytes.try_acquire(kChargeStep);
  if (!more) {
    bodies->refused.increment();
    parts_.shard.tell_refused(Refusal::kTooManyBodies, 503, "too many request bodies are held", parts_.remote_address);
    return false;
  }
  held_charge_.join(std::move(more));
  return true;
}

void Http2Server::release(size_t bytes) {
  Http2Session::release(bytes);
  if (held() == 0 && held_charge_) held_charge_.release();
}

// Clients open their next connection elsewhere; what they ask here meanwhile is still served.
void Http2Server::hurry() {
  nghttp2_submit_shutdown_notice(raw());
  flush_soon();
  for (const auto& stream : all_streams()) static_cast<Http2ServerStream&>(*stream).hurry();
  if (in_head_) alarm_.set(std::min(alarm_.deadline(), in(parts_.shard.limits().drain_grace)));
}

// Requests that have begun are finished, then the connection is over.
void Http2Server::end_if_idle() {
  nghttp2_submit_goaway(raw(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(raw()), NGHTTP2_NO_ERROR, nullptr, 0);
  flush_soon();
}

void Http2Server::on_flood() {
  if (std::exchange(told_, true)) return;
  parts_.shard.tell_refused(ConnectionRefusal::kFlood, "resets, control frames or header fields without end",
                            parts_.remote_address);
}

void Http2Server::on_protocol_error(std::string_view text) {
  if (std::exchange(told_, true)) return;
  parts_.shard.shared().bad_requests.fetch_add(1, std::memory_order_relaxed);
  parts_.shard.tell_refused(Refusal::kMalformed, 400, text, parts_.remote_address);
}

void Http2Server::on_slow_reader() {
  parts_.shard.shared().timeouts.fetch_add(1, std::memory_order_relaxed);
  parts_.shard.tell_refused(ConnectionRefusal::kSlowReader, kNotTaken, parts_.remote_address);
}

}  // namespace fiso::net

#include "net/http2_client.h"

#include <algorithm>
#include <utility>

#include "async/spawn.h"
#include "net/http2_stream.h"

namespace fiso::net {
namespace {

constexpr uint32_t kMostStreams = 100;  // also before the other side has said how many it takes
constexpr std::chrono::seconds kWriteTime{30};
constexpr Bytes kMinProgress = 16_KiB;

}  // namespace

Http2Client::Http2Client(async::Shard& shard, std::unique_ptr<ClientConnection> connection, const ClientOptions& options)
    : Http2Session(shard, connection->bytes(), Side::kClient, {options.max_response_headers, kWriteTime, kMinProgress}),
      connection_(std::move(connection)),
      idle_timeout_(options.idle_timeout),
      idle_alarm_(shard.watchdog(), this, is_idle) {}

// The request that it was opened for may never come to it.
void Http2Client::begin() {
  idle_alarm_.set(std::chrono::steady_clock::now() + idle_timeout_);
  async::spawn(shard(), live(std::static_pointer_cast<Http2Client>(shared_from_this())));
}

Task<> Http2Client::live(std::shared_ptr<Http2Client> self) {
  co_await self->run({});
  self->retired_ = self->has_ended_ = true;
  self->lose();  // nobody is left who waits for anything
  self->retire_alarms();
}

bool Http2Client::has_room() const {
  if (retired() || nghttp2_session_check_request_allowed(const_cast<Http2Client*>(this)->raw()) == 0) return false;
  uint32_t allowed =
      nghttp2_session_get_remote_settings(const_cast<Http2Client*>(this)->raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return streams() < std::min(kMostStreams, allowed);
}

void Http2Client::carry(std::shared_ptr<Http2Stream> stream, int32_t id) {
  idle_alarm_.clear();
  used_ = true;
  adopt(std::move(stream), id);
  flush_soon();
}

void Http2Client::on_stream_gone() {
  if (streams() > 0) return;
  if (retired_) return terminate(NGHTTP2_NO_ERROR);
  idle_alarm_.set(std::chrono::steady_clock::now() + idle_timeout_);
}

void Http2Client::retire() {
  retired_ = true;
  if (streams() == 0) terminate(NGHTTP2_NO_ERROR);
}

void Http2Client::note_timeout(MonotonicTime sent) {
  Duration waited = std::chrono::steady_clock::now() - sent;
  retired_ = retired_ || silent_since(sent + waited / 2);
}

void Http2Client::is_idle(void* self) noexcept {
  auto& client = *static_cast<Http2Client*>(self);
  client.retired_ = true;
  client.terminate(NGHTTP2_NO_ERROR);
}

void Http2Client::close() {
  retired_ = true;
  lose();
  drop_all(NGHTTP2_CANCEL);
  retire_alarms();
}

void Http2Client::retire_alarms() {
  Http2Session::retire_alarms();
  idle_alarm_.retire();
  connection_->retire();
}

}  // namespace fiso::net

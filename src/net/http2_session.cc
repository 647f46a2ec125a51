#include "net/http2_session.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "async/spawn.h"
#include "base/check.h"
#include "net/http2_fields.h"
#include "net/http2_stream.h"

namespace fiso::net {
namespace {

constexpr size_t kBlock = 64 << 10;      // of frames in one write
constexpr size_t kKeptBlock = 16 << 10;  // of its memory, between writes
constexpr size_t kMostQueued = 512;      // frames that wait to go out while more is read
constexpr size_t kOutboundAcks = 1000;   // answers to PING and SETTINGS among them
constexpr size_t kSettingsInFrame = 32;
constexpr size_t kContinuations = 8;   // frames that one header section may go on in
constexpr size_t kSentHead = 2 << 20;  // bytes of one that we send: more than what comes may have

MonotonicTime now() { return std::chrono::steady_clock::now(); }

std::string_view text_of(nghttp2_rcbuf* buffer) {
  nghttp2_vec bytes = nghttp2_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

}  // namespace

// What nghttp2 tells while it reads or makes frames.
struct Http2Callbacks {
  static Http2Session& self(void* session) { return *static_cast<Http2Session*>(session); }
  static Http2Stream* stream(nghttp2_session* session, int32_t id) {
    return static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int on_begin_headers(nghttp2_session* raw, const nghttp2_frame* frame, void* session) {
    self(session).head_weight_ = 0;
    if (frame->hd.type == NGHTTP2_HEADERS)
      self(session).on_head(frame->hd.stream_id, stream(raw, frame->hd.stream_id) == nullptr);
    return 0;
  }
  static int on_header(nghttp2_session* raw, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value, uint8_t,
                       void* session) {
    if (Http2Stream* to = stream(raw, frame->hd.stream_id)) to->on_field(text_of(name), text_of(value));
    return weigh(session, name, value);
  }
  static int on_invalid_header(nghttp2_session* raw, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                               uint8_t, void* session) {
    if (Http2Stream* to = stream(raw, frame->hd.stream_id)) to->on_bad_field();
    return weigh(session, name, value);
  }
  static int weigh(void* session, nghttp2_rcbuf* name, nghttp2_rcbuf* value) {
    return self(session).weigh(text_of(name).size() + text_of(value).size()) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  static int on_frame(nghttp2_session* raw, const nghttp2_frame* frame, void* session) {
    Http2Stream* to = stream(raw, frame->hd.stream_id);
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        self(session).on_head_end();
        if (to != nullptr && ends) to->end_body();
        if (to != nullptr) to->on_fields_end();
        break;
      case NGHTTP2_DATA:
        if (to != nullptr && ends) to->end_body();
        break;
      case NGHTTP2_RST_STREAM: self(session).note_reset(); break;
      case NGHTTP2_SETTINGS: self(session).on_settings(); break;
      case NGHTTP2_GOAWAY: self(session).on_goaway(); break;
      default: break;
    }
    return 0;
  }
  static int on_data(nghttp2_session* raw, uint8_t, int32_t id, const uint8_t* data, size_t size, void* session) {
    if (Http2Stream* to = stream(raw, id))
      to->add_body({reinterpret_cast<const char*>(data), size});
    else
      self(session).consume_connection(size);
    return 0;
  }
  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int code, void* session) {
    if (frame->hd.type == NGHTTP2_HEADERS) self(session).on_head_end();
    self(session).on_protocol_error(nghttp2_strerror(code));
    self(session).note_glitch();
    return 0;
  }
  static int on_sent(nghttp2_session* raw, const nghttp2_frame* frame, void*) {
    bool ends =
        (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (Http2Stream* from = ends ? stream(raw, frame->hd.stream_id) : nullptr) from->on_all_sent();
    return 0;
  }
  // Whoever waits for what a head would have brought is not left waiting. To reset the stream of a request would be an error of
  // the connection: the other side has never heard of it.
  static int on_not_sent(nghttp2_session* raw, const nghttp2_frame* frame, int code, void* session) {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      self(session).drop_unsent(frame->hd.stream_id, code);
    else if (stream(raw, frame->hd.stream_id) != nullptr)
      self(session).reset(frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
    return 0;
  }
  static int on_stream_close(nghttp2_session* raw, int32_t id, uint32_t error, void* session) {
    if (Http2Stream* gone = stream(raw, id)) self(session).drop(*gone, error);
    return 0;
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* table = nullptr;
    FISO_CHECK(nghttp2_session_callbacks_new(&table) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback2(table, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback2(table, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(table, on_invalid_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, on_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, on_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, on_stream_close);
    return table;
  }
};

Http2Session::Http2Session(async::Shard& shard, ByteStream& bytes, Side side, const Limits& limits)
    : shard_(shard),
      bytes_(bytes),
      write_timeout_(limits.write_timeout),
      min_progress_(limits.min_progress),
      most_head_(static_cast<size_t>(limits.head_bytes.count)),
      writing_(shard.executor()),
      write_alarm_(shard.watchdog(), this, write_is_late),
      heard_(now()),
      glitches_counted_(heard_) {
  static nghttp2_session_callbacks* const callbacks = Http2Callbacks::make();
  nghttp2_option* option = nullptr;
  FISO_CHECK(nghttp2_option_new(&option) == 0);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kOutboundAcks);
  nghttp2_option_set_max_settings(option, kSettingsInFrame);
  nghttp2_option_set_max_continuations(option, kContinuations);
  nghttp2_option_set_max_send_header_block_length(option, kSentHead);
  // Later than note_glitch(), which counts more.
  nghttp2_option_set_stream_reset_rate_limit(option, 2 * static_cast<uint64_t>(kHttp2Glitches),
                                             2 * static_cast<uint64_t>(kHttp2GlitchRate));
  int made = side == Side::kServer ? nghttp2_session_server_new2(&session_, callbacks, this, option)
                                   : nghttp2_session_client_new2(&session_, callbacks, this, option);
  nghttp2_option_del(option);
  FISO_CHECK(made == 0, "no memory for an HTTP/2 session");
  submit_settings(side, limits);
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

void Http2Session::submit_settings(Side side, const Limits& limits) {
  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kHttp2Streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kHttp2StreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(std::min<int64_t>(limits.head_bytes.count, UINT32_MAX))},
  };
  if (side == Side::kClient) settings[0] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  FISO_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0);
  FISO_CHECK(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kHttp2ConnectionWindow) == 0);
}

void Http2Session::adopt(std::shared_ptr<Http2Stream> stream, int32_t id) {
  stream->id_ = id;
  stream->place_ = streams_.size();
  nghttp2_session_set_stream_user_data(session_, id, stream.get());
  streams_.push_back(std::move(stream));
}

std::shared_ptr<Http2Stream> Http2Session::keep(Http2Stream& stream) { return streams_[stream.place_]; }

void Http2Session::drop(Http2Stream& stream, uint32_t error) {
  std::shared_ptr<Http2Stream> last = std::move(streams_[stream.place_]);
  streams_[stream.place_] = std::move(streams_.back());
  if (streams_[stream.place_] != nullptr) streams_[stream.place_]->place_ = stream.place_;
  streams_.pop_back();
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  stream.close(error);
  on_stream_gone();
}

void Http2Session::drop_all(uint32_t error) {
  while (!streams_.empty()) drop(*streams_.back(), error);
}

// As good as refused: the other side knows nothing of it. A head that is too large once is too large again.
void Http2Session::drop_unsent(int32_t id, int code) {
  auto unsent = std::ranges::find_if(streams_, [&](const auto& stream) { return stream->id_ == id; });
  if (unsent == streams_.end()) return;
  bool is_too_large = code == NGHTTP2_ERR_FRAME_SIZE_ERROR;
  if (is_too_large) (*unsent)->on_head_too_large();
  drop(**unsent, is_too_large ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_REFUSED_STREAM);
}

Task<> Http2Session::run(std::string_view ahead) {
  if (!ahead.empty()) receive(ahead);
  flush_soon();
  while (!lost_ && nghttp2_session_want_read(session_) != 0) {
    if (nghttp2_session_get_outbound_queue_size(session_) > kMostQueued && writing_.inside() > 0) {
      co_await writing_.wait_empty();
      continue;
    }
    reading_ = true;
    auto [error, bytes] = co_await bytes_.read_some(buffer_.space());
    reading_ = false;
    if (bytes == 0 && !over()) lose();
    if (bytes == 0) break;
    heard_ = now();
    buffer_.filled(bytes);
    receive(buffer_.data());
    buffer_.consume(bytes);
    if (streams_.empty()) buffer_.shrink();
  }
  drop_all(NGHTTP2_INTERNAL_ERROR);
  flush();
  co_await writing_.wait_empty();
  ended_ = true;
  write_alarm_.clear();
}

// Sections without a stream count as well: they are unpacked, or the next one could not be.
bool Http2Session::weigh(size_t bytes) {
  bool was_within = head_weight_ <= most_head_;
  head_weight_ += bytes;
  if (was_within && head_weight_ > most_head_ && nghttp2_session_check_server_session(session_) != 0) note_glitch();
  if (head_weight_ <= kHttp2LongestHead * most_head_) return true;
  on_flood();
  return false;
}

void Http2Session::receive(std::string_view bytes) {
  ssize_t used = nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (used < 0) {
    if (used == NGHTTP2_ERR_FLOODED)
      on_flood();
    else
      on_protocol_error(nghttp2_strerror(static_cast<int>(used)));
    return lose();
  }
  flush_soon();
}

void Http2Session::flush_soon() {
  if (scheduled_ || ended_) return;
  scheduled_ = true;
  asio::post(shard_.executor(), [self = shared_from_this()] {
    self->scheduled_ = false;
    self->flush();
  });
}

void Http2Session::flush() {
  if (writing_.inside() > 0 || ended_) return;
  while (!lost_ && fill()) {
    SystemError error = bytes_.write_now(out_);
    if (error == asio::error::would_block) return async::spawn(shard_, write_rest(shared_from_this(), writing_.enter()));
    if (error) lose();
  }
  end_read_when_over();
}

// The next frames, one after the other in one block.
bool Http2Session::fill() {
  if (block_.capacity() > kKeptBlock && streams_.empty()) std::string().swap(block_);
  block_.clear();
  out_.clear();
  while (block_.size() < kBlock) {
    const uint8_t* frame = nullptr;
    ssize_t size = nghttp2_session_mem_send(session_, &frame);
    if (size < 0) lose();
    if (size <= 0) break;
    block_.append(reinterpret_cast<const char*>(frame), static_cast<size_t>(size));
  }
  out_.add(block_);
  return !block_.empty() && !lost_;
}

Task<> Http2Session::write_rest(std::shared_ptr<Http2Session> self, [[maybe_unused]] async::Gate::Pass pass) {
  do {
    self->progress_ = 0;
    self->write_alarm_.set(now() + self->write_timeout_);
    SystemError error = co_await self->bytes_.write(self->out_, self.get(), write_progress);
    self->write_alarm_.clear();
    if (error) self->lose();
  } while (!self->lost_ && self->fill());
  self->end_read_when_over();
}

void Http2Session::hurry_writes(Duration patience) {
  if (write_timeout_ <= patience) return;
  write_timeout_ = patience;
  if (write_alarm_.deadline() != kNever) write_alarm_.set(std::min<MonotonicTime>(write_alarm_.deadline(), now() + patience));
  for (const auto& stream : all_streams()) stream->hurry_writing(patience);
}

void Http2Session::write_progress(void* self, size_t bytes) {
  auto& session = *static_cast<Http2Session*>(self);
  session.progress_ += bytes;
  if (session.progress_ < static_cast<uint64_t>(session.min_progress_.count)) return;
  session.progress_ = 0;
  session.write_alarm_.set(now() + session.write_timeout_);
}

void Http2Session::write_is_late(void* self) noexcept {
  auto& session = *static_cast<Http2Session*>(self);
  session.on_slow_reader();
  session.lose();
}

bool Http2Session::over() const {
  return lost_ || (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

void Http2Session::end_read_when_over() {
  if (reading_ && over() && !lost_) bytes_.cancel();
}

void Http2Session::lose() {
  if (std::exchange(lost_, true)) return;
  bytes_.close(ByteStream::Close::kUsual);
}

void Http2Session::terminate(uint32_t error) {
  nghttp2_session_terminate_session(session_, error);
  flush_soon();
}

void Http2Session::consume(int32_t stream, size_t bytes) {
  nghttp2_session_consume(session_, stream, bytes);
  flush_soon();
}

void Http2Session::consume_connection(size_t bytes) {
  if (bytes == 0) return;
  nghttp2_session_consume_connection(session_, bytes);
  flush_soon();
}

void Http2Session::resume(int32_t stream) { nghttp2_session_resume_data(session_, stream); }

void Http2Session::reset(int32_t stream, uint32_t error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error);
  flush_soon();
}

bool Http2Session::submit_trailers(int32_t stream, const FieldBlock& trailers) {
  return nghttp2_submit_trailer(session_, stream, trailers.data(), trailers.size()) == 0;
}

bool Http2Session::window_shut() const { return nghttp2_session_get_local_window_size(session_) <= 0; }

// A client makes its server work for nothing by them. A server's cost nothing, and it may have reasons: one that refuses what it
// has no room for, or wants no more of the requests that it has answered.
void Http2Session::note_reset() {
  if (nghttp2_session_check_server_session(session_) != 0) note_glitch();
}

// A bucket that fills again: a client that gives up some of its requests is no attack.
void Http2Session::note_glitch() {
  MonotonicTime moment = now();
  double seconds = std::chrono::duration<double>(moment - std::exchange(glitches_counted_, moment)).count();
  glitches_left_ = std::min(kHttp2Glitches, glitches_left_ + seconds * kHttp2GlitchRate) - 1;
  if (glitches_left_ >= 0) return;
  on_flood();
  terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

}  // namespace fiso::net

#include "net/http2_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/http2_fields.h"

namespace fiso::net {
namespace {

constexpr size_t kSmallPiece = 16 << 10;   // up to which it is copied in place of waiting for it to go
constexpr size_t kMinProgress = 16 << 10;  // of what goes out, to have the time for it begin anew
constexpr size_t kKeptMemory = 16 << 10;   // between pieces

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

void reuse(std::string& text) {
  if (text.capacity() > kKeptMemory)
    std::string().swap(text);
  else
    text.clear();
}

}  // namespace

Http2Stream::Http2Stream(Http2Session& session)
    : session_(session),
      incoming_(session.shard().executor()),
      outgoing_(session.shard().executor()),
      write_alarm_(session.shard().watchdog(), this, write_is_late) {}

void Http2Stream::add_body(std::string_view bytes) {
  if (dropping_ || closed_) return session_.consume_connection(bytes.size());
  arrived_.append(bytes);
  if (!session_.hold(bytes.size())) return reset(NGHTTP2_ENHANCE_YOUR_CALM);
  incoming_.set();
}

void Http2Stream::end_body() {
  ended_ = true;
  incoming_.set();
  outgoing_.set();
}

void Http2Stream::give_back(size_t bytes) {
  if (bytes == 0) return;
  session_.release(bytes);
  if (closed_ || dropping_)
    session_.consume_connection(bytes);
  else
    session_.consume(id_, bytes);
}

std::string_view Http2Stream::take() {
  give_back(given_.size());
  reuse(given_);
  given_.swap(arrived_);
  return given_;
}

Task<> Http2Stream::wait_for_more() {
  incoming_.reset();
  co_await incoming_.wait();
}

void Http2Stream::drop_body() {
  dropping_ = true;
  give_back(given_.size() + arrived_.size());
  std::string().swap(given_);
  std::string().swap(arrived_);
  incoming_.set();
}

// A piece that has been given out stays where it is: somebody may be looking at it.
void Http2Stream::close(uint32_t error) {
  if (std::exchange(closed_, true)) return;
  error_ = error;
  write_alarm_.clear();
  if (!ended_) {
    session_.release(arrived_.size());
    session_.consume_connection(arrived_.size());
    arrived_.clear();
  }
  incoming_.set();
  outgoing_.set();
  on_close();
}

void Http2Stream::reset(uint32_t error) {
  if (!open()) return;
  session_.reset(id_, error);
  close(error);
}

nghttp2_data_provider Http2Stream::body_source() {
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* into, size_t room, uint32_t* flags, nghttp2_data_source* source,
                              void*) { return static_cast<Http2Stream*>(source->ptr)->give(into, room, *flags); };
  return provider;
}

Task<bool> Http2Stream::put(std::string_view piece, Last last) {
  FISO_CHECK(!last_);
  if (!piece_.empty() && write_deadline_ != kNever) write_alarm_.set(write_deadline_);
  if (!piece_.empty()) (void)co_await taken();  // a small one before it
  if (closed_) co_return false;
  last_ = last == Last::kYes;
  progress_ = 0;
  bool is_small = piece.size() <= kSmallPiece;
  if (is_small) small_.assign(piece);
  piece_ = is_small ? small_ : piece;
  if (last_ || !piece_.empty()) arm_write();
  if (std::exchange(deferred_, false)) session_.resume(id_);
  session_.flush_soon();
  if (is_small) co_return true;
  bool is_taken = co_await taken();
  piece_ = {};  // its owner may drop it now
  co_return is_taken;
}

// A piece that will not be taken costs the stream, or what goes out would look complete without it.
Task<bool> Http2Stream::taken() {
  for (; !piece_.empty() && !closed_ && !(ended_ && wants_no_more()); co_await outgoing_.wait()) outgoing_.reset();
  if (!piece_.empty()) reset(NGHTTP2_CANCEL);
  co_return piece_.empty();
}

// After what was put before has been taken, which ends its time.
void Http2Stream::arm_write() { write_alarm_.set(write_patience_ > Duration::zero() ? in(write_patience_) : write_deadline_); }

ssize_t Http2Stream::give(uint8_t* into, size_t room, uint32_t& flags) {
  if (closed_ || (piece_.empty() && !last_)) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  size_t taken = std::min(room, piece_.size());
  if (taken > 0) std::memcpy(into, piece_.data(), taken);
  piece_.remove_prefix(taken);
  progress_ += taken;
  if (piece_.empty()) {
    reuse(small_);
    write_alarm_.clear();
    outgoing_.set();
  } else if (progress_ >= kMinProgress && write_patience_ > Duration::zero()) {
    progress_ = 0;
    write_alarm_.set(in(write_patience_));
  }
  if (!piece_.empty() || !last_) return static_cast<ssize_t>(taken);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  FieldBlock trailers;
  trailers.add_trailers(trailers_out_);
  if (trailers.size() > 0 && session_.submit_trailers(id_, trailers)) flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return static_cast<ssize_t>(taken);
}

void Http2Stream::write_is_late(void* self) noexcept {
  auto& stream = *static_cast<Http2Stream*>(self);
  if (stream.closed_) return;
  stream.write_late_ = true;
  stream.on_write_late();
  stream.reset(NGHTTP2_CANCEL);
}

}  // namespace fiso::net

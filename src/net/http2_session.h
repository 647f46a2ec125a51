// What both sides of an HTTP/2 connection have in common: it reads frames, keeps the streams, and sends what they have.
//
// nghttp2 keeps the protocol's state and checks what RFC 9113 asks of frames and fields. Everything that is ready in a round of
// the event loop leaves in one write. Bounded are: streams (kHttp2Streams), bytes that came and were not taken (the windows),
// frames that wait to go out (reading waits for them), and what makes work without being any (resets, invalid frames, header
// sections beyond the limit: a byte of them may stand for thousands).
//
// Internal to net. Threading: shard-local. Shared with its coroutines, so that it lives as long as they do.
#pragma once

#include <nghttp2/nghttp2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/gate.h"
#include "async/shard.h"
#include "base/units.h"
#include "net/alarm.h"
#include "net/byte_stream.h"
#include "net/read_buffer.h"

namespace fiso::net {

class FieldBlock;
class Http2Stream;

inline constexpr uint32_t kHttp2Streams = 128;              // at a time, of a connection
inline constexpr uint32_t kHttp2StreamWindow = 64 << 10;    // bytes of a body that came and were not taken
inline constexpr int32_t kHttp2ConnectionWindow = 1 << 20;  // the same, of all streams
inline constexpr double kHttp2Glitches = 1000,
                        kHttp2GlitchRate = 100;  // invalid frames, clients' resets and long heads: at once, and per second
inline constexpr size_t kHttp2LongestHead = 16;  // times what a head may have: beyond it is not even unpacked
inline constexpr std::string_view kHttp2Preface = NGHTTP2_CLIENT_MAGIC;

class Http2Session : public std::enable_shared_from_this<Http2Session> {
 public:
  enum class Side { kServer, kClient };

  virtual ~Http2Session();
  Http2Session(const Http2Session&) = delete;

  async::Shard& shard() { return shard_; }
  nghttp2_session* raw() { return session_; }
  // Sends what there is, soon, together with what comes up until then.
  void flush_soon();
  // Cuts the connection; run() ends.
  void lose();
  bool lost() const { return lost_; }
  // No bytes have come since.
  bool silent_since(MonotonicTime then) const { return heard_ < then; }

  // For the streams.
  void consume(int32_t stream, size_t bytes);
  void consume_connection(size_t bytes);
  void resume(int32_t stream);
  void reset(int32_t stream, uint32_t error);
  bool submit_trailers(int32_t stream, const FieldBlock& trailers);
  // False: there is no memory left for them.
  virtual bool hold(size_t bytes) {
    held_ += bytes;
    return true;
  }
  virtual void release(size_t bytes) { held_ -= bytes; }

 protected:
  struct Limits {
    Bytes head_bytes;
    Duration write_timeout;
    Bytes min_progress;
  };
  // `bytes` is borrowed until run() has completed.
  Http2Session(async::Shard& shard, ByteStream& bytes, Side side, const Limits& limits);

  // Sends SETTINGS, then reads until the connection has ended: on purpose, by a fault, or since the other side is gone. Then no
  // stream is open and nothing is being written.
  Task<> run(std::string_view ahead);
  // Nothing is left to be done on the connection.
  bool over() const;
  // Says GOAWAY and ends without waiting for streams.
  void terminate(uint32_t error);
  void adopt(std::shared_ptr<Http2Stream> stream, int32_t id);
  std::shared_ptr<Http2Stream> keep(Http2Stream& stream);
  void drop_all(uint32_t error);
  size_t streams() const { return streams_.size(); }
  const std::vector<std::shared_ptr<Http2Stream>>& all_streams() const { return streams_; }
  size_t held() const { return held_; }
  // The connection is full of bytes that nobody takes, so that no stream can get any.
  bool window_shut() const;
  // What is written from now on, or waits already, has to be taken within that time.
  void hurry_writes(Duration patience);
  // For whoever may outlive the shard's loop.
  virtual void retire_alarms() { write_alarm_.retire(); }

 private:
  friend struct Http2Callbacks;
  friend class Http2Stream;
  // A header section begins: of a stream that is not there yet, where the other side opens them.
  virtual void on_head(int32_t /*stream*/, bool /*is_new*/) {}
  virtual void on_head_end() {}
  virtual void on_settings() {}
  virtual void on_goaway() {}
  virtual void on_stream_gone() {}
  // It makes work and gets none done.
  virtual void on_flood() {}
  virtual void on_protocol_error(std::string_view /*text*/) {}
  virtual void on_slow_reader() {}

  void submit_settings(Side side, const Limits& limits);
  void receive(std::string_view bytes);
  void flush();
  bool fill();
  static Task<> write_rest(std::shared_ptr<Http2Session> self, async::Gate::Pass pass);
  void end_read_when_over();
  void drop(Http2Stream& stream, uint32_t error);
  void drop_unsent(int32_t id, int code);
  void note_reset();
  void note_glitch();
  // Of a field of the section that is being unpacked, taken or not. False: that is enough of it.
  bool weigh(size_t bytes);
  static void write_is_late(void* self) noexcept;
  static void write_progress(void* self, size_t bytes);

  async::Shard& shard_;
  ByteStream& bytes_;
  Duration write_timeout_;
  const Bytes min_progress_;
  const size_t most_head_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::shared_ptr<Http2Stream>> streams_;
  ReadBuffer buffer_;
  std::string block_;  // frames on their way
  Gather out_;
  async::Gate writing_;  // inside: a block that the socket did not take at once
  Alarm write_alarm_;
  MonotonicTime heard_;
  size_t held_ = 0;         // body bytes that came and were not taken
  size_t head_weight_ = 0;  // of the header section that is being unpacked
  uint64_t progress_ = 0;
  double glitches_left_ = kHttp2Glitches;
  MonotonicTime glitches_counted_;
  bool scheduled_ = false;  // a flush
  bool reading_ = false;
  bool ended_ = false;
  bool lost_ = false;
};

}  // namespace fiso::net

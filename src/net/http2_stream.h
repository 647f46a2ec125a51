// One stream of an HTTP/2 session: what has come of the other side's message, and what is to go out of ours.
//
// Both ways are bounded: what has come by the stream's window, which opens as the bytes are taken, what is to go out by one piece
// that its owner waits for. Internal to net. Threading: shard-local.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/signal.h"
#include "base/header_list.h"
#include "net/alarm.h"
#include "net/http2_session.h"

namespace fiso::net {

class Http2Stream {
 public:
  explicit Http2Stream(Http2Session& session);
  virtual ~Http2Stream() = default;
  Http2Stream(const Http2Stream&) = delete;

 protected:
  enum class Last { kNo, kYes };

  Http2Session& session() const { return session_; }
  int32_t id() const { return id_; }
  bool open() const { return id_ > 0 && !closed_; }
  bool closed() const { return closed_; }
  uint32_t error() const { return error_; }  // of a closed one
  // At once: what is under way here ends, and the other side is told.
  void reset(uint32_t error);

  // What has come and was not taken yet, or the end of it.
  bool piece_here() const { return !arrived_.empty(); }
  bool ended() const { return ended_; }
  bool at_end() const { return ended_ && arrived_.empty(); }
  // The next piece, valid until the next call; empty if there is none. Opens the window by what was taken before.
  std::string_view take();
  // Waits for more to come, or for wake_reader().
  Task<> wait_for_more();
  void wake_reader() { incoming_.set(); }
  // From now on what comes is dropped as it does.
  void drop_body();

  // What goes out of the body; the head is the owner's to submit, with body_source(). Completes when the session has taken the
  // piece, a small one at once. False: the stream is closed; it is where its owner wants_no_more() before that.
  Task<bool> put(std::string_view piece, Last last);
  nghttp2_data_provider body_source();
  HeaderList& trailers_to_send() { return trailers_out_; }
  bool last_put() const { return last_; }
  // How long a piece may wait to be taken; while some of it is, the time begins anew. Without it there is no such bound.
  void set_write_patience(Duration patience) { write_patience_ = patience; }
  // The same, also of what waits already.
  void hurry_writing(Duration patience) {
    if (write_patience_ <= patience) return;
    write_patience_ = patience;
    if (write_alarm_.deadline() != kNever)
      write_alarm_.set(std::min<MonotonicTime>(write_alarm_.deadline(), std::chrono::steady_clock::now() + patience));
  }
  // The same of what is put from now on, as a moment.
  void write_by(MonotonicTime deadline) { write_deadline_ = deadline; }
  bool write_late() const { return write_late_; }

 private:
  friend class Http2Session;
  friend struct Http2Callbacks;
  // A field of the head or trailer that is arriving.
  virtual void on_field(std::string_view name, std::string_view value) = 0;
  virtual void on_bad_field() = 0;
  virtual void on_fields_end() = 0;
  // Once: the stream is over, or its connection.
  virtual void on_close() = 0;
  // The answer, or the request, has gone out to its end.
  virtual void on_all_sent() {}
  // The head has more fields than can be sent; the stream is about to be closed.
  virtual void on_head_too_large() {}
  // Once all of the other side's message has come: there is no use in waiting for ours to be taken.
  virtual bool wants_no_more() const { return false; }
  // What was put has not been taken in time; the stream is about to be reset.
  virtual void on_write_late() {}

  void add_body(std::string_view bytes);
  void end_body();
  void close(uint32_t error);
  Task<bool> taken();
  ssize_t give(uint8_t* into, size_t room, uint32_t& flags);
  void give_back(size_t bytes);
  void arm_write();
  static void write_is_late(void* self) noexcept;

  Http2Session& session_;
  int32_t id_ = 0;
  size_t place_ = 0;  // in the session's list
  uint32_t error_ = 0;
  bool closed_ = false;

  async::Signal incoming_, outgoing_;
  std::string arrived_, given_;
  bool ended_ = false, dropping_ = false;

  Alarm write_alarm_;
  std::string small_;       // a piece that was put and not waited for
  std::string_view piece_;  // what is left of the one under way
  HeaderList trailers_out_;
  Duration write_patience_{0};
  MonotonicTime write_deadline_ = kNever;
  size_t progress_ = 0;
  bool last_ = false;      // nothing follows the piece
  bool deferred_ = false;  // the session waits for a piece
  bool write_late_ = false;
};

}  // namespace fiso::net

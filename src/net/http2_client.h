// The client's side of an HTTP/2 connection: many requests of one HttpClient at a time.
//
// It is used while the other side lets it (SETTINGS_MAX_CONCURRENT_STREAMS, GOAWAY), and closed when nothing has been asked for
// the idle time. A connection on which a request timed out, and nothing at all was heard during half of its time, gets no further
// ones. Internal to net. Threading: shard-local.
#pragma once

#include <memory>

#include "net/client_connection.h"
#include "net/http2_session.h"

namespace fiso::net {

class Http2Client final : public Http2Session {
 public:
  // The connection is open, and what is asked for on it follows `options`, which must live until close() where it is not lost().
  Http2Client(async::Shard& shard, std::unique_ptr<ClientConnection> connection, const ClientOptions& options);
  // Once made.
  void begin();

  bool has_room() const;
  // Requests have been sent on it before.
  bool used() const { return used_; }
  // Nothing more will be asked for on it, and it goes when what is under way has ended.
  bool retired() const { return retired_ || lost(); }
  void retire();
  // It has gone.
  bool ended() const { return has_ended_; }
  // A request of it was not answered in time; it was sent at that moment.
  void note_timeout(MonotonicTime sent);
  // At once. Nothing is under way.
  void close();

  // For the streams.
  void carry(std::shared_ptr<Http2Stream> stream, int32_t id);

 private:
  static Task<> live(std::shared_ptr<Http2Client> self);
  void on_goaway() override { retired_ = true; }
  void on_stream_gone() override;
  void on_flood() override { retired_ = true; }
  void retire_alarms() override;
  static void is_idle(void* self) noexcept;

  std::unique_ptr<ClientConnection> connection_;
  const Duration idle_timeout_;
  Alarm idle_alarm_;
  bool used_ = false, retired_ = false, has_ended_ = false;
};

}  // namespace fiso::net

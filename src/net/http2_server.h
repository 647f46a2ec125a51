// The server's side of an HTTP/2 connection: every stream is a request, handled beside the others.
//
// The services, limits, deadlines and refusals are those of HTTP/1.1 (http_server.h); what else is bounded is in http2_session.h.
// A client that gives its requests up does not get more of them handled at a time. Internal to net. Threading: shard-local.
#pragma once

#include <string_view>

#include "net/http2_session.h"
#include "net/server_shard.h"

namespace fiso::net {

class Http2ServerStream;

class Http2Server final : public Http2Session {
 public:
  // Of the connection that has found out to be HTTP/2; borrowed until serve() has completed.
  struct Parts {
    ServerShard& shard;
    ByteStream& stream;
    std::string_view remote_address;
    bool secure;
    ServerConnection::Phase& phase;
  };
  explicit Http2Server(const Parts& parts);

  // Completes when no request is handled any more and the connection is over. True: the other side may still be reading.
  Task<bool> serve(std::string_view ahead, MonotonicTime first_request_by);

  // As of ServerConnection.
  void hurry();
  void hurry_writing() { hurry_writes(parts_.shard.write_patience()); }
  void end_if_idle();

  // For the streams: the head is here.
  void start(Http2ServerStream& stream);
  bool is_full() const { return window_shut(); }
  bool hold(size_t bytes) override;
  void release(size_t bytes) override;

 private:
  void on_head(int32_t stream, bool is_new) override;
  void on_head_end() override;
  void on_settings() override;
  void on_stream_gone() override { wait_for_request(); }
  void on_flood() override;
  void on_protocol_error(std::string_view text) override;
  void on_slow_reader() override;
  static Task<> handle(std::shared_ptr<Http2ServerStream> stream, Http2Server& self, async::Gate::Pass pass);
  Task<> call_service(Http2ServerStream& stream);
  Task<Result<>> read_body(Http2ServerStream& stream, async::Limiter::Permit& charge);
  void wait_for_request();
  static void is_late(void* self) noexcept;

  const Parts parts_;
  async::Gate handling_;
  Alarm alarm_;                         // for a head that arrives, or the next one
  async::Limiter::Permit held_charge_;  // for bodies that nobody has taken yet
  bool in_head_ = false;
  bool fresh_ = true;  // the other side has not said a thing
  bool told_ = false;  // of the connection's fault
};

}  // namespace fiso::net

// A request over HTTP/2 and its answer: the ServerExchange of one stream.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <optional>
#include <string>

#include "net/http2_fields.h"
#include "net/http2_stream.h"
#include "net/refusals.h"
#include "net/server_shard.h"
#include "net/streaming_service.h"

namespace fiso::net {

class Http2Server;

class Http2ServerStream final : public Http2Stream, public ServerExchange {
 public:
  Http2ServerStream(Http2Server& server, ServerShard& shard);

  HttpRequest& request() { return request_; }
  // The request cannot be handled: why, for the client.
  bool faulty() const { return fault_status_ != 0; }
  void refuse(Refusal refusal, int status, std::string_view text);
  // No answer can reach the client any more.
  bool gone() const { return closed(); }
  // In a drain: a body that is not answered yet has to come on faster, see ServerShard::patience().
  void hurry();
  // After the service has completed: answers for it where it has not, and ends the stream.
  Task<> finish();

  std::optional<uint64_t> body_length() const override;
  bool body_here() const override { return ended() && !bad_trailers_; }
  Task<Result<std::string_view>> read() override;
  void let_body_pause() override { patient_ = true; }
  void stop_reading() override;
  const HeaderList& trailers() const override { return trailers_; }
  Task<Result<>> inform(int status, const HeaderList& headers) override;
  void begin(int status, const HeaderList& headers, std::optional<uint64_t> length) override;
  bool begun() const override { return begun_; }
  Task<Result<>> write(std::string_view piece) override;
  void set_trailers(const HeaderList& trailers) override;
  Task<Result<>> end(std::string_view last_piece) override;
  bool can_upgrade() const override { return false; }
  Task<Result<Raw>> upgrade(std::string_view protocol, const HeaderList& headers) override;
  void when_gone(void* owner, Gone gone) override;

 private:
  const ServerLimits& limits() const { return shard_.limits(); }
  void on_field(std::string_view name, std::string_view value) override;
  void on_bad_field() override { bad_field_ = true; }
  void on_fields_end() override;
  void on_close() override;
  void on_all_sent() override;
  void on_write_late() override;
  void take_pseudo_field(std::string_view name, std::string_view value);
  void check_head();
  Result<> cancelled() const { return Error(ErrorCode::kCancelled, "the client has gone"); }
  Task<> wait_for_body();
  Result<> late();
  bool send_head(Last last);
  Task<Result<>> put_piece(std::string_view piece, Last last);
  static void read_is_late(void* self) noexcept;

  Http2Server& server_;
  ServerShard& shard_;
  HttpRequest request_;
  HeaderList trailers_;
  FieldCollector fields_;  // of the head, then of the trailer
  std::optional<FieldCollector> trailer_fields_;
  std::string authority_;
  bool head_here_ = false, bad_field_ = false, bad_trailers_ = false, no_body_ = false;
  bool expects_continue_ = false, unknown_expectation_ = false;

  Alarm read_alarm_;
  uint64_t read_progress_ = 0;
  Duration body_time_;  // that is left for the body's next `min_progress` bytes
  bool read_late_ = false, reading_stopped_ = false, patient_ = false;

  int fault_status_ = 0;
  std::string_view fault_text_;

  int status_ = 0;
  HeaderList head_;  // of the answer, until it is sent
  std::optional<uint64_t> length_, left_;
  bool begun_ = false, head_sent_ = false, put_last_ = false;
  bool bodyless_ = false;

  void* gone_owner_ = nullptr;
  Gone when_gone_ = nullptr;
};

}  // namespace fiso::net

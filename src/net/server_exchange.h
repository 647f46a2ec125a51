// The ServerExchange of a connection: one request's streamed body and answer, over whatever kind of stream.
//
// Internal to net. Threading: shard-local.
#pragma once

#include <string>

#include "async/gate.h"
#include "net/alarm.h"
#include "net/client_watch.h"
#include "net/http_parser.h"
#include "net/read_buffer.h"
#include "net/server_shard.h"
#include "net/stream_head.h"
#include "net/streaming_service.h"

namespace fiso::net {

class ConnectionExchange final : public ServerExchange {
 public:
  // The connection's, borrowed; the head has been read.
  struct Parts {
    ServerShard& shard;
    ByteStream& stream;
    HttpRequest& request;
    RequestParser& parser;
    ReadBuffer& buffer;
    std::string& head;
    Gather& out;
  };
  explicit ConnectionExchange(const Parts& parts);

  std::optional<uint64_t> body_length() const override;
  bool body_here() const override { return parser_.state() == MessageParser::State::kComplete; }
  Task<Result<std::string_view>> read() override;
  void stop_reading() override;
  const HeaderList& trailers() const override { return parser_.trailers(); }
  Task<Result<>> inform(int status, const HeaderList& headers) override;
  void begin(int status, const HeaderList& headers, std::optional<uint64_t> length) override;
  bool begun() const override { return begun_; }
  Task<Result<>> write(std::string_view piece) override;
  void set_trailers(const HeaderList& trailers) override;
  Task<Result<>> end(std::string_view last_piece) override;
  bool can_upgrade() const override { return body_here() && !parser_.http_1_0(); }
  Task<Result<Raw>> upgrade(std::string_view protocol, const HeaderList& headers) override;
  void when_gone(void* owner, Gone gone) override;

  // What the connection does after the service has completed; answers for it where it has not.
  enum class Next { kAgain, kClose, kGone };
  Task<Next> finish();
  // The bytes are the service's.
  bool raw() const { return raw_; }
  // In a drain: a body that is not answered yet has to come on faster, see ServerShard::patience().
  void hurry();
  // An answer that waits to be taken has no longer than ServerShard::write_patience().
  void hurry_writing();
  // The connection has been, or is about to be, closed under us.
  void lost();

 private:
  using State = MessageParser::State;
  const ServerLimits& limits() const { return parts_.shard.limits(); }
  Result<> cancelled() const { return Error(ErrorCode::kCancelled, "the client has gone"); }
  void add_piece(std::string_view piece);
  Task<Result<>> flush();
  Task<SystemError> flush_rest();
  Task<Result<>> send_continue();
  Task<Result<>> receive();
  Result<> nothing_received();
  Result<> malformed();
  Task<Next> answer_for_the_service();
  Task<Next> pass_over_body();
  bool client_has_left() const;
  static void read_is_late(void* self) noexcept;
  static void write_is_late(void* self) noexcept;
  static bool client_is_there(void* self) noexcept;
  static void write_progress(void* self, size_t bytes);

  const Parts parts_;
  ByteStream& stream_;
  RequestParser& parser_;
  async::Gate asking_;  // inside: a `100 Continue` that the socket did not take at once
  Alarm read_alarm_, write_alarm_;
  ClientWatch watch_;
  Duration body_time_;  // that is left for the body's next `min_progress` bytes
  uint64_t read_progress_ = 0, write_progress_ = 0;
  std::optional<uint64_t> left_;  // of the answer's body, where its length was told
  ChunkHead chunk_head_;
  std::string last_chunk_;  // with trailers
  int fault_status_ = 0;    // what is wrong with the request, if anything is
  std::string_view fault_text_;
  bool piece_given_ = false;
  bool asked_to_go_on_ = false;
  bool reading_stopped_ = false;
  bool read_late_ = false, write_late_ = false;
  bool begun_ = false, ended_ = false;
  bool head_waits_ = false;  // formatted, not sent
  bool chunked_ = false;
  bool bodyless_ = false;
  bool to_the_end_ = false;  // only closing tells where the answer ends
  bool last_ = false;        // the answer is the connection's last
  bool raw_ = false;
  bool gone_ = false;
};

}  // namespace fiso::net

// A request over HTTP/2 and its answer: what a ClientExchange is where the connection carries many.
//
// The calls and their errors are those of ClientExchange. Internal to net. Threading: shard-local.
#pragma once

#include <deque>
#include <optional>

#include "net/client_exchange.h"
#include "net/http2_client.h"
#include "net/http2_fields.h"
#include "net/http2_stream.h"

namespace fiso::net {

class Http2ClientStream final : public Http2Stream, public std::enable_shared_from_this<Http2ClientStream> {
 public:
  // The session is kept; `options` is borrowed.
  Http2ClientStream(std::shared_ptr<Http2Client> session, const ClientOptions& options);

  Task<Result<>> start(const StreamedRequest& request, MonotonicTime deadline);
  Task<Result<>> write(std::string_view piece, MonotonicTime deadline);
  void set_trailers(const HeaderList& trailers) { trailers_to_send() = trailers; }
  Task<Result<>> end(MonotonicTime deadline);
  Task<Result<HttpResponse*>> read_head(MonotonicTime deadline);
  void extend(MonotonicTime deadline);
  std::optional<uint64_t> length() const;
  Task<Result<std::string_view>> read(MonotonicTime deadline);
  bool ready() const { return piece_here() || at_end(); }
  bool complete() const { return at_end() && !broken(); }
  const HeaderList& trailers() const { return trailers_; }
  void finish();
  void abort() { reset(NGHTTP2_CANCEL); }

  // Nothing was done about the request: REFUSED_STREAM, a GOAWAY that leaves it out, or it was never sent.
  bool refused() const { return closed() && error() == NGHTTP2_REFUSED_STREAM && !heard_; }
  // The connection has ended before the answer had.
  bool cut_off() const { return client_->lost(); }
  // A byte of the answer has come.
  bool heard() const { return heard_; }
  bool late() const { return late_ || write_late(); }

 private:
  void on_field(std::string_view name, std::string_view value) override;
  void on_bad_field() override { bad_field_ = true; }
  void on_fields_end() override;
  void on_close() override {}
  void on_all_sent() override { all_sent_ = true; }
  bool wants_no_more() const override { return true; }
  void on_head_too_large() override { unsendable_ = true; }
  Task<> wait(MonotonicTime deadline);
  void begin_head();
  bool broken() const { return bad_field_ || too_large_; }  // a section of fields
  Error failed() const;
  static void is_late(void* self) noexcept;

  const std::shared_ptr<Http2Client> client_;
  const ClientOptions& options_;
  MonotonicTime sent_at_;
  Alarm read_alarm_;
  std::deque<HttpResponse> heads_;  // that have come and were not asked for yet
  HttpResponse arriving_, current_;
  HeaderList trailers_;
  std::optional<FieldCollector> fields_;
  bool head_here_ = false;  // of the answer proper
  bool bad_field_ = false, too_large_ = false;
  bool heard_ = false, late_ = false, all_sent_ = false, unsendable_ = false;
};

}  // namespace fiso::net

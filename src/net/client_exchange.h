// One request of an HttpClient in pieces: the body goes out as it comes to be, the answer is read as it arrives.
//
// Sending and receiving are independent of each other: a coroutine may do one while a second does the other. Memory is bounded
// by back-pressure: one piece per direction. An exchange that is not finished cleanly costs its connection, never the next
// exchange. Threading: shard-local. Every call must have completed before the exchange is destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/limiter.h"
#include "async/signal.h"
#include "net/alarm.h"
#include "net/byte_stream.h"
#include "net/client_connection.h"
#include "net/stream_head.h"

namespace fiso::net {

// May the request be sent a second time if a kept connection turns out to be closed before any byte of the answer came?
enum class Replay { kNever, kAllowed };

struct StreamedRequest {
  RequestHead head;
  std::string_view body;                 // what there is of it already; all of it unless `more`
  bool more = false;                     // write() and end() follow
  const HeaderList* trailers = nullptr;  // what follows the body, unless `more`; over HTTP/1.1 it takes chunks
  Replay replay = Replay::kNever;
};

class Http2ClientStream;

class ClientExchange {
 public:
  // `client` is borrowed.
  explicit ClientExchange(HttpClient& client);
  ~ClientExchange();
  ClientExchange(const ClientExchange&) = delete;

  // Takes a kept connection or opens one, and sends the head with what there is of the body. Errors as of HttpClient::send(),
  // for all calls, and kOverloaded too where none of ClientOptions::connections was free by the deadline; kCancelled after
  // abort(). The request is borrowed until the answer's head has been read: while nothing was write()n it may be sent a second
  // time, if it allows that, when a kept connection turns out to be closed.
  Task<Result<>> start(const StreamedRequest& request, MonotonicTime deadline);

  // Completes when the socket has taken the piece. An error is not the end: the other side may have answered before it
  // stopped reading. While the request is being sent again this waits for it.
  Task<Result<>> write(std::string_view piece, MonotonicTime deadline);
  // What follows the body, before end(); as of StreamedRequest.
  void set_trailers(const HeaderList& trailers);
  // After the last piece.
  Task<Result<>> end(MonotonicTime deadline);

  // The answer's head, or an interim one (100 to 199): call again after that. 101 is one of the former, and only taken if the
  // request asked for an upgrade. Valid until the next call; the caller may change it.
  Task<Result<HttpResponse*>> read_head(MonotonicTime deadline);
  // Another deadline for the read_head() or read() under way.
  void extend(MonotonicTime deadline);
  // What the answer's Content-Length says.
  std::optional<uint64_t> length() const;
  // The next piece of the body; empty at its end. Valid until the next call.
  Task<Result<std::string_view>> read(MonotonicTime deadline);
  // A piece can be had without waiting, or the end.
  bool piece_here() const;
  // All of the answer has come; what read() returned last was the end of it.
  bool complete() const;
  // Of a complete answer: what followed its body.
  const HeaderList& trailers() const;

  // After a 101: the bytes are the caller's, and so are the deadlines.
  ByteStream& stream();
  std::string_view ahead() const;  // read already

  // There is no connection, and none has ever been given anything of the request.
  bool nothing_went_out() const { return is_between_connections() && !wrote_; }

  // Gives the connection back if it can carry another request. Nothing is under way.
  void finish();
  // Closes the connection at once; what is under way ends in an error.
  void abort();

 private:
  enum class Take { kAny, kNew };
  using State = MessageParser::State;
  Task<Result<>> open(Take take, MonotonicTime deadline);
  Task<Result<>> open_http1(Take take, MonotonicTime deadline);
  Task<Result<>> send_first(MonotonicTime deadline);
  Task<Result<>> again(MonotonicTime deadline);
  bool is_between_connections() const { return connection_ == nullptr && stream_ == nullptr; }
  bool may_write() const { return !is_between_connections() && !(sent_again_.has_value() && !sent_again_->is_set()); }
  Task<Result<>> wait_to_write(MonotonicTime deadline);
  Task<SystemError> flush(MonotonicTime deadline);
  Task<Result<>> receive(MonotonicTime deadline);
  bool nothing_sent() const;
  bool may_send_again(const Error& error) const;
  Task<Result<HttpResponse*>> read_stream_head(MonotonicTime deadline);
  void next_message();
  void add_piece(std::string_view piece);
  void add_last_chunk();
  Error failed(Error error) const;
  Result<> named(Result<> result) const;
  Error parse_error() const;
  ClientStreaming& parts() const { return connection_->streaming(); }
  static void late(void* self) noexcept;

  HttpClient& client_;
  async::Limiter::Permit permit_;
  std::unique_ptr<ClientConnection> connection_;
  std::shared_ptr<Http2ClientStream> stream_;  // in place of a connection: all that follows is its business
  const StreamedRequest* request_ = nullptr;
  Alarm read_alarm_, write_alarm_;
  ChunkHead chunk_head_;
  HeaderList trailers_;     // that follow what is written
  std::string last_chunk_;  // with trailers
  // Of a request that is sent again, from when it has gone out, or could not: until then there is nothing to write to.
  std::optional<async::Signal> sent_again_;
  int interim_ = 0, refusals_ = 0;
  bool counted_ = false;  // among the client's requests under way
  bool kept_ = false;     // the connection had been used before
  bool interim_given_ = false, piece_given_ = false;
  bool wrote_ = false;       // anything, to any connection
  bool wrote_more_ = false;  // than what can be sent again
  bool sent_ = false;        // all of the request
  bool heard_ = false;       // a byte of the answer
  bool late_ = false;
  bool aborted_ = false;
};

}  // namespace fiso::net

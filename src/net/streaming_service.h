// A service that takes a request while it arrives and answers while more of it comes: for relays, downloads, event streams.
//
// Memory is bounded by back-pressure: a connection holds one piece per direction. A body has no limit on its size unless the
// service sets one; the deadlines of ServerLimits hold as for whole messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/caller.h"
#include "base/result.h"
#include "net/byte_stream.h"
#include "net/http_message.h"

namespace fiso::net {

// One request's body and its answer, of a connection that waits meanwhile.
//
// Reading and answering are independent of each other: a coroutine may do one while a second does the other. Both must have
// ended when StreamingService::serve() completes. Errors: kCancelled when the client has gone or the server is stopping (no
// answer can reach it), kTimeout when it was too slow, kInvalidInput when the body is malformed. After the last two of read()
// the connection answers itself if nobody has begun to. Threading: shard-local.
class ServerExchange : public Caller {
 public:
  // What Content-Length says, 0 where there is no body, nothing where it comes in chunks.
  virtual std::optional<uint64_t> body_length() const = 0;
  // All of the body has come: read() does not wait any more.
  virtual bool body_here() const = 0;
  // The next piece of the body; empty at its end. Valid until the next call. The first call that has to wait sends the
  // `100 Continue` that the client may be waiting for.
  virtual Task<Result<std::string_view>> read() = 0;
  // The service bounds the request's time itself: from now on read() waits as long as it takes, where calls that may pause can
  // come (over HTTP/2).
  virtual void let_body_pause() {}
  // A read() that waits ends with kCancelled, and so does every later one.
  virtual void stop_reading() = 0;
  // What followed the body, once all of it has come.
  virtual const HeaderList& trailers() const = 0;

  // An interim answer (100 to 199, but not 101), before begin(). Clients of HTTP/1.0 are not told.
  virtual Task<Result<>> inform(int status, const HeaderList& headers) = 0;

  // Begins the answer; nothing goes out before write() or end(). Fields of framing and connection are left out of `headers`
  // (they are ours) and Date is added where it is missing. Without a length the body goes out in chunks, or to a client of
  // HTTP/1.0 up to the connection's end. For HEAD, 204 and 304 the length is only told, and what is written is dropped.
  virtual void begin(int status, const HeaderList& headers, std::optional<uint64_t> length) = 0;
  virtual bool begun() const = 0;
  // Completes when the socket has taken the piece. An empty one sends the head if it has not gone yet.
  virtual Task<Result<>> write(std::string_view piece) = 0;
  // To go out behind the body, before end(). Only what may stand there does, and only where the client takes it: over HTTP/1.1 in
  // an answer of chunks to who said `TE: trailers`.
  virtual void set_trailers(const HeaderList& trailers) = 0;
  // The last piece: one system call with what goes before and after it. An answer without end() breaks off: the connection
  // is cut so that the client can tell. kInternal if the length was another one.
  virtual Task<Result<>> end(std::string_view last_piece) = 0;

  // An HTTP/1.1 request (not a stream of HTTP/2) whose body is here: what follows it can be another protocol.
  virtual bool can_upgrade() const = 0;
  // Instead of begin(): answers 101 with `protocol` and `headers`. From then on the bytes are the service's, until serve()
  // completes; the deadlines are, too. A drain closes the stream when its grace is over.
  struct Raw {
    ByteStream* stream = nullptr;
    std::string_view ahead;  // read already; valid as long as the exchange
  };
  virtual Task<Result<Raw>> upgrade(std::string_view protocol, const HeaderList& headers) = 0;

  // A client that has closed its side after the request has left, and one whose connection the server has cut.
  void when_gone(void* owner, Gone gone) override = 0;
};

class StreamingService {
 public:
  virtual ~StreamingService() = default;
  // As soon as the head has been read; `head.body` is not to be looked at. Whoever completes without an answer lets the
  // connection answer: 500, or what was wrong with the request.
  virtual Task<> serve(HttpRequest& head, ServerExchange& exchange) = 0;
};

// Begins and ends with a whole answer. Both are borrowed.
Task<Result<>> answer(ServerExchange& exchange, const HttpResponse& response);

}  // namespace fiso::net

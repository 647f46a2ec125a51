// One request on its way to a target and its answer on the way back, in steps: ask(), once or more, then deliver(), then
// finish().
//
// For who wants to look at an answer's head before it goes out, and may ask again instead. What passes and what ends here is said
// in relay.h. Threading: shard-local.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "async/gate.h"
#include "async/shard.h"
#include "net/client_exchange.h"
#include "net/http_client.h"
#include "net/relay_options.h"
#include "net/streaming_service.h"

namespace fiso::net {

class RelayedRequest {
 public:
  // All borrowed. Takes the fields that end here out of the request.
  RelayedRequest(async::Shard& shard, HttpClient& client, HttpRequest& request, ServerExchange& exchange,
                 const RelayOptions& options);
  // After finish().
  ~RelayedRequest();
  RelayedRequest(const RelayedRequest&) = delete;

  // Waits for the body, up to `most` bytes of it, so that the request can be sent more than once.
  Task<Result<>> hold_body(size_t most);
  // This goes out in place of the request's body, which has been read by other means. Borrowed.
  void use_body(std::string_view body);
  // What would go out is here as a whole, and can go out again. What hold_body() gave up on is passed on and not kept.
  bool repeatable() const { return body_is_here_ || (!body_was_read_ && down_.body_here()); }
  // The target could not be connected to: nothing has gone out.
  bool unsent() const { return attempt_.has_value() && attempt_->up.nothing_went_out(); }
  // The last ask() ended in kTimeout while more of the client's body was waited for: nothing is known of the target.
  bool body_was_late() const { return attempt_.has_value() && attempt_->body_was_late; }
  // Borrowed in place of the client that there was, for the next ask().
  void direct_to(HttpClient& client) { client_ = &client; }

  // Sends the request and completes with the answer's head, which the caller may change; valid until the next call. Again only if
  // it is repeatable() or unsent(); what the target said before is dropped. Errors as of Relay::pass(), but for those of the
  // client's body, which finish() tells. `timeout`: as in RelayOptions.
  Task<Result<HttpResponse*>> ask(Duration timeout);
  // Passes on the answer whose head ask() has got.
  Task<Result<>> deliver();
  // The next piece of that answer's body instead, for who does not pass it on; empty at its end. Valid until the next call.
  // kTimeout at the deadline, and before it where nothing comes for too long.
  Task<Result<std::string_view>> read_answer(MonotonicTime deadline);
  // What followed that body, once all of it has been read. Valid until finish().
  const HeaderList& answer_trailers() const { return attempt_->up.trailers(); }
  // Ends what is still under way, of an exchange that came to `result`; what was wrong with the client's body replaces an error.
  Task<Result<>> finish(Result<> result);

 private:
  struct Attempt {
    Attempt(async::Shard& shard, HttpClient& client, Duration time);
    ClientExchange up;
    std::optional<StreamedRequest> out;
    async::Gate uploading;  // inside: the body's way to the target
    HttpResponse* head = nullptr;
    const Duration timeout;
    MonotonicTime deadline;       // of the answer's head; only what goes out of the body prolongs it
    bool answered = false;        // the answer's head has come
    bool waits_for_body = false;  // upload() does, for the client
    bool body_was_late = false;
  };
  Task<Result<>> read_body();
  Task<Result<>> send(Attempt& attempt);
  Task<Result<HttpResponse*>> await_answer(Attempt& attempt);
  static Task<> upload(RelayedRequest& self, Attempt& attempt, async::Gate::Pass pass);
  Task<Result<>> download(HttpResponse& head);
  Task<Result<>> splice(HttpResponse& head);
  void add_forwarded();

  async::Shard& shard_;
  HttpClient* client_;
  HttpRequest& request_;
  ServerExchange& down_;
  const RelayOptions& options_;
  std::string upgrade_;  // the protocol to pass on the wish for
  bool takes_trailers_ = false;
  bool body_is_here_ = false;   // as `body_`
  bool body_is_ours_ = false;   // and is not the request's
  bool body_was_read_ = false;  // some of it, and not all of that is kept
  std::string_view body_;       // what has been read of it
  std::string held_;            // where that is, if it came in pieces
  bool client_gone_ = false;
  std::optional<Error> body_error_;  // of the client's body
  std::optional<Attempt> attempt_;
};

}  // namespace fiso::net

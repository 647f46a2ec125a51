// Passes requests on to one target and its answers back, both as streams.
//
// The method, the path's bytes, the query, repeated fields and the body pass as they are; what RFC 9110 section 7.6.1 says to
// end here ends here, trailers are dropped, an Upgrade (but to h2c) is passed on and then spliced. `Expect: 100-continue`
// is answered here, as soon as the target is connected and its body is wanted. Memory per request: one buffer per
// direction. Threading: shard-local.
#pragma once

#include <functional>
#include <utility>

#include "async/shard.h"
#include "net/http_client.h"
#include "net/relay_options.h"
#include "net/relayed_request.h"
#include "net/streaming_service.h"

namespace fiso::net {

class Relay {
 public:
  // Asked, again and again, for whom to try when the target could not be connected to, so that nothing has gone out: the same or
  // another, borrowed until pass() completes; null for nobody.
  using Instead = std::function<Task<HttpClient*>()>;
  // `client` is borrowed; its limit of connections bounds the requests under way.
  Relay(async::Shard& shard, HttpClient& client, RelayOptions options, Instead instead = {})
      : shard_(shard), client_(client), options_(options), instead_(std::move(instead)) {}

  // Completes with the answer's status when it has gone out, or when nothing more can be done. Errors:
  //   kCancelled    the client is gone, too slow, or its body is malformed; the exchange sees to the answer
  //   others        the target's, as of HttpClient::send(): while !exchange.begun() the caller answers (status_for());
  //                 otherwise the answer broke off and the connection will be cut
  // A request whose body has been here as a whole is sent again if its method is idempotent and the kept connection it went
  // out on was closed by the target; any request is, if none of its bytes got out.
  Task<Result<int>> pass(HttpRequest& request, ServerExchange& exchange);

 private:
  Task<Result<HttpResponse*>> ask(RelayedRequest& relayed);
  Task<Result<>> ask_and_deliver(RelayedRequest& relayed, int& status);

  async::Shard& shard_;
  HttpClient& client_;
  const RelayOptions options_;
  const Instead instead_;
};

}  // namespace fiso::net

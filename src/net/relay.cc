#include "net/relay.h"

#include "net/relayed_request.h"

namespace fiso::net {
namespace {

Task<Result<>> ask_and_deliver(RelayedRequest& relayed, Duration timeout, int& status) {
  FISO_CO_TRY(HttpResponse * head, co_await relayed.ask(timeout));
  status = head->status;
  co_return co_await relayed.deliver();
}

}  // namespace

Task<Result<int>> Relay::pass(HttpRequest& request, ServerExchange& exchange) {
  RelayedRequest relayed(shard_, client_, request, exchange, options_);
  int status = 0;
  FISO_CO_TRY_OK(co_await relayed.finish(co_await ask_and_deliver(relayed, options_.timeout, status)));
  co_return status;
}

}  // namespace fiso::net

#include "net/relay.h"

#include <algorithm>

namespace fiso::net {
namespace {

// A target that is tried late in the request's time still gets a chance to answer.
constexpr std::chrono::milliseconds kLeastTime{1};

}  // namespace

Task<Result<HttpResponse*>> Relay::ask(RelayedRequest& relayed) {
  auto asked = co_await relayed.ask(options_.timeout);
  if (!instead_ || asked.has_value()) co_return asked;
  MonotonicTime until = options_.timeout > Duration::zero() ? std::chrono::steady_clock::now() + options_.timeout : kNever;
  while (!asked.has_value() && asked.error().code() == ErrorCode::kUnavailable && relayed.unsent()) {
    HttpClient* other = co_await instead_();
    if (other == nullptr) break;
    relayed.direct_to(*other);
    Duration left = until - std::chrono::steady_clock::now();
    asked = co_await relayed.ask(until == kNever ? Duration::zero() : std::max<Duration>(left, kLeastTime));
  }
  co_return asked;
}

Task<Result<>> Relay::ask_and_deliver(RelayedRequest& relayed, int& status) {
  FISO_CO_TRY(HttpResponse * head, co_await ask(relayed));
  status = head->status;
  co_return co_await relayed.deliver();
}

Task<Result<int>> Relay::pass(HttpRequest& request, ServerExchange& exchange) {
  RelayedRequest relayed(shard_, client_, request, exchange, options_);
  int status = 0;
  FISO_CO_TRY_OK(co_await relayed.finish(co_await ask_and_deliver(relayed, status)));
  co_return status;
}

}  // namespace fiso::net

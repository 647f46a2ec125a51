// A server's service for tests that relays everything to one port on loopback and counts how that ended.
//
// Threading: made, used and destroyed on one shard; the counts are thread-safe.
#pragma once

#include <atomic>

#include "net/http_service.h"
#include "net/http_status.h"
#include "net/relay.h"

namespace fiso::testing {

class RelayService final : public net::HttpService, public net::StreamingService {
 public:
  RelayService(async::Shard& shard, async::BlockingPool& blocking, uint16_t port, net::RelayOptions options)
      : client_(shard, blocking, client_options(port)), relay_(shard, client_, options) {}

  net::StreamingService* streaming() override { return this; }
  Task<net::HttpResponse> call(net::HttpRequest&) override { co_return net::HttpResponse{500, {}, {}}; }
  Task<> serve(net::HttpRequest& head, net::ServerExchange& exchange) override {
    Result<> passed = co_await relay_.pass(head, exchange);
    if (passed.has_value()) {
      ++complete;
      co_return;
    }
    ++failed;
    if (passed.error().code() == ErrorCode::kCancelled || exchange.begun()) co_return;
    net::HttpResponse response = net::text_response(net::status_for(passed.error().code()), passed.error().message());
    (void)co_await net::answer(exchange, response);
  }

  size_t idle() const { return client_.idle(); }
  std::atomic<int> complete{0}, failed{0};

 private:
  static net::ClientOptions client_options(uint16_t port) {
    net::ClientOptions options;
    options.origin.host = "127.0.0.1";
    options.origin.port = port;
    return options;
  }
  net::HttpClient client_;
  net::Relay relay_;
};

}  // namespace fiso::testing

#include "apps/resident_http.h"

#include <utility>

#include "apps/failures.h"
#include "apps/guest_setup.h"
#include "net/relay.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kFailedLines = 100;

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

ResidentHttp::ResidentHttp(ResidentParts parts)
    : parts_(std::move(parts)), failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {}

std::shared_ptr<net::HttpClient> ResidentHttp::client_for(uint16_t port) {
  if (client_ == nullptr || port != client_port_) {
    net::ClientOptions options{.origin = {.scheme = net::Scheme::kHttp, .host = kGuestAddress, .port = port, .target = "/"}};
    client_ = std::make_shared<net::HttpClient>(parts_.shard, parts_.blocking, std::move(options));
    client_port_ = port;
  }
  return client_;
}

Task<Result<int>> ResidentHttp::pass_on(net::HttpRequest& head, net::ServerExchange& exchange) {
  uint16_t port = parts_.supervisor->port();
  if (port == 0) co_return Error(ErrorCode::kOverloaded, "the app is starting");
  std::shared_ptr<net::HttpClient> client = client_for(port);
  net::Relay relay(parts_.shard, *client, {.timeout = parts_.config.timeout, .idle_timeout = parts_.config.idle_timeout});
  co_return co_await relay.pass(head, exchange);
}

Task<> ResidentHttp::serve(net::HttpRequest& head, net::ServerExchange& exchange) {
  MonotonicTime began = now();
  Result<int> passed = co_await pass_on(head, exchange);
  if (passed.has_value()) {
    parts_.supervisor->note_answer();
    parts_.traffic.note(*passed, now() - began);
    co_return;
  }
  if (passed.error().code() == ErrorCode::kTimeout) parts_.supervisor->note_timeout();
  if (passed.error().code() == ErrorCode::kCancelled) co_return;  // nobody is there to be answered
  net::HttpResponse response = failed(passed.error());
  parts_.traffic.note(response.status, now() - began);
  if (!exchange.begun()) (void)co_await net::answer(exchange, response);
}

Task<int> ResidentHttp::probe(const net::HttpRequest& request) {
  uint16_t port = parts_.supervisor->port();
  if (port == 0) co_return 503;
  std::shared_ptr<net::HttpClient> client = client_for(port);
  net::ClientRequest passed{.method = request.method, .target = request.target, .headers = &request.headers, .body = {}};
  auto answered = co_await client->send(passed, now() + parts_.config.health_check_timeout);
  co_return answered.has_value() ? answered->status : 503;
}

net::HttpResponse ResidentHttp::failed(const Error& error) {
  failed_log_.write("app request failed", {{"error", error.describe()}});
  if (error.code() == ErrorCode::kOverloaded) return to_response(error);
  if (error.code() == ErrorCode::kTimeout)
    return to_response(wasm::to_error({.outcome = wasm::Outcome::kTimeout}, {.timeout = parts_.config.timeout}));
  return to_response(Error(ErrorCode::kGuestLimit, "the app did not answer: " + error.message()));
}

}  // namespace fiso::apps

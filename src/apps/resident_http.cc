#include "apps/resident_http.h"

#include <algorithm>
#include <utility>

#include "apps/failures.h"
#include "apps/guest_setup.h"
#include "async/signal.h"
#include "net/http_status.h"
#include "net/relay.h"

namespace fiso::apps {
namespace {

constexpr uint32_t kFailedLines = 100;
constexpr size_t kMostToldOfABody = 1000;

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

ResidentHttp::ResidentHttp(ResidentParts parts)
    : parts_(std::move(parts)), failed_log_(parts_.log, observe::LogLevel::kError, kFailedLines) {
  parts_.peers->ways[parts_.shard.index()] = this;
}

ResidentHttp::~ResidentHttp() { parts_.peers->ways[parts_.shard.index()] = nullptr; }

void ResidentHttp::give_up_idle(const std::shared_ptr<ResidentPeers>& peers) {
  for (unsigned i = 0; i < peers->shards.count(); ++i)
    peers->shards[i].post([peers, i] {
      if (ResidentHttp* way = peers->ways[i]; way != nullptr && way->client_ != nullptr) way->client_->give_up_idle();
    });
}

std::shared_ptr<net::HttpClient> ResidentHttp::client_for(uint16_t port) {
  if (client_ == nullptr || port != client_port_) {
    net::ClientOptions options{.origin = {.scheme = net::Scheme::kHttp, .host = kGuestAddress, .port = port, .target = "/"},
                               .max_response_body = parts_.largest_body,
                               .waits_for_first_answer = [peers = parts_.peers] { give_up_idle(peers); }};
    client_ = std::make_shared<net::HttpClient>(parts_.shard, parts_.blocking, std::move(options));
    client_port_ = port;
  }
  return client_;
}

// Null if there is no guest until then.
Task<net::HttpClient*> ResidentHttp::find_client(Search& search) {
  while (parts_.supervisor->port() == 0 && now() < search.until) co_await async::sleep_until(now() + kLook);
  uint16_t port = parts_.supervisor->port();
  if (port == 0) co_return nullptr;
  search.found.push_back(client_for(port));
  co_return search.found.back().get();
}

Task<net::HttpClient*> ResidentHttp::find_other_client(Search& search) {
  if (now() >= search.until) co_return nullptr;
  co_await async::sleep_until(now() + kLook);
  co_return co_await find_client(search);
}

// Its guest may have died a moment ago, and the door not know of it: what has not gone out waits for the next one.
Task<Result<int>> ResidentHttp::pass_on(net::HttpRequest& head, net::ServerExchange& exchange) {
  Search search{.until = now() + kLongestWait};
  net::HttpClient* client = co_await find_client(search);
  if (client == nullptr) co_return Error(ErrorCode::kOverloaded, "the app is starting");
  net::Relay relay(parts_.shard, *client, {.timeout = parts_.config.timeout, .idle_timeout = parts_.config.idle_timeout},
                   [this, &search] { return find_other_client(search); });
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

Task<Result<AppReply>> ResidentHttp::ask(const AppCall& call) {
  MonotonicTime began = now();
  Result<AppReply> reply = co_await process(call, std::min(began + parts_.config.timeout, call.deadline));
  if (reply.has_value()) {
    parts_.supervisor->note_answer();
  } else {
    // Who has little time left says nothing about the guest.
    if (reply.error().code() == ErrorCode::kTimeout && now() < call.deadline) parts_.supervisor->note_timeout();
    failed_log_.write("app request failed", {{"error", reply.error().describe()}});
  }
  parts_.traffic.note(reply.has_value() ? 200 : status_of(reply.error()), now() - began);
  co_return reply;
}

Task<Result<AppReply>> ResidentHttp::process(const AppCall& call, MonotonicTime deadline) {
  Search search{.until = std::min(deadline, now() + kLongestWait)};
  net::HttpClient* client = co_await find_client(search);
  if (client == nullptr) co_return Error(ErrorCode::kOverloaded, "the app is starting");
  net::ClientRequest request{.method = "POST", .target = "/process", .headers = &call.headers, .body = {&call.payload, 1}};
  auto answered = co_await client->send(request, deadline);
  if (!answered.has_value() && answered.error().code() == ErrorCode::kTimeout)
    co_return wasm::to_error({.outcome = wasm::Outcome::kTimeout}, {.timeout = parts_.config.timeout});
  if (!answered.has_value()) co_return Error(ErrorCode::kGuestLimit, "send request: " + answered.error().message());
  if (answered->status >= 400) {
    std::string status = std::to_string(answered->status) + " " + std::string(net::reason(answered->status));
    // What it says is for the operator: the context of an error is told to no caller.
    co_return Error(ErrorCode::kGuestLimit, "app returned error: " + status)
        .with_context("answer (" + answered->body.substr(0, kMostToldOfABody) + ")");
  }
  co_return AppReply{.form = AppReply::Form::kBody, .text = std::move(answered->body), .headers = std::move(answered->headers)};
}

Task<int> ResidentHttp::probe(const net::HttpRequest& request, MonotonicTime deadline) {
  uint16_t port = parts_.supervisor->port();
  if (port == 0) co_return 503;
  std::shared_ptr<net::HttpClient> client = client_for(port);
  net::ClientRequest passed{.method = request.method,
                            .target = request.target,
                            .headers = &request.headers,
                            .body = {},
                            .connection = net::Connection::kOwn};
  auto answered = co_await client->send(passed, deadline);
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

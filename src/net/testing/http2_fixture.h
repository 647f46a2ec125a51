// A server with an echo service, whole or streamed, for tests that speak HTTP/2 to it.
//
// Of a test's thread; the services live on the one shard, their counts are thread-safe.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "async/gate.h"
#include "net/http_server.h"
#include "net/streaming_service.h"
#include "net/testing/http2_peer.h"

namespace fiso::testing {

// Answers with method, target and body; `/wait` when the test says so, `/late` looks for its client only then, `/big` with as
// much as no window takes. Trailers of a streamed request come back as the answer's; `/whole` is not answered before all of it
// has come.
class Http2Echo final : public net::HttpService, private net::StreamingService {
 public:
  explicit Http2Echo(async::Shard& shard) : go_(shard.executor()) {}

  net::StreamingService* streaming() override { return streams ? this : nullptr; }
  Task<net::HttpResponse> call(net::HttpRequest& request) override {
    Handled one(*this);
    request.caller->when_gone(this, [](void* self) noexcept { ++static_cast<Http2Echo*>(self)->gone; });
    if (request.path() == "/wait") co_await go_.wait_closed(kNever);
    if (request.path() == "/big") co_return net::HttpResponse{200, {}, std::string(4 << 20, 'x')};
    if (request.path() == "/none") co_return net::HttpResponse{204, {}, {}};
    if (request.path() == "/cookie")
      co_return net::HttpResponse{200, {}, std::string(request.headers.find("cookie").value_or("-"))};
    co_return net::HttpResponse{200, {}, request.method + " " + request.target + " " + request.body};
  }
  void go() { go_.close(); }

  bool streams = false;  // before the server starts
  std::atomic<int> handling{0}, most_at_once{0}, handled{0}, gone{0};

 private:
  struct Handled {
    explicit Handled(Http2Echo& of) : echo(of) {
      int now = ++echo.handling;
      if (now > echo.most_at_once) echo.most_at_once = now;
    }
    ~Handled() {
      --echo.handling;
      ++echo.handled;
    }
    Http2Echo& echo;
  };
  Task<> serve(net::HttpRequest& request, net::ServerExchange& exchange) override {
    Handled one(*this);
    if (request.path() == "/late") co_await go_.wait_closed(kNever);
    exchange.when_gone(this, [](void* self) noexcept { ++static_cast<Http2Echo*>(self)->gone; });
    if (request.path() == "/wait") co_await go_.wait_closed(kNever);
    if (request.path() == "/silent") co_return;
    if (request.path() == "/whole") co_return co_await read_first(exchange);
    HeaderList none;
    exchange.begin(200, none, std::nullopt);
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      if (piece->empty()) break;
      if (request.path() == "/broken") co_return;
      Result<> written = co_await exchange.write(*piece);
      if (!written.has_value()) co_return;
    }
    exchange.set_trailers(exchange.trailers());
    (void)co_await exchange.end({});
  }

  static Task<> read_first(net::ServerExchange& exchange) {
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      if (piece->empty()) break;
    }
    (void)co_await net::answer(exchange, {200, {}, {}});
  }

  async::Gate go_;
};

class Http2Fixture : public ::testing::Test {
 protected:
  explicit Http2Fixture(Bytes bodies = 64_MiB) : shards_(1), bodies_(shards_, bodies, bodies_refused_) {
    shards_.run_on(0, [&](async::Shard& shard) { echo_ = std::make_unique<Http2Echo>(shard); });
  }
  ~Http2Fixture() override {
    release();
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { echo_.reset(); });
  }

  uint16_t start(net::ServerLimits limits = {}) {
    refusals_ = std::make_unique<net::RefusalReport>(metrics_, observe::Log());
    net::ServerOptions options{"127.0.0.1:0", limits, {}, &bodies_};
    options.refusals = refusals_.get();
    server_ = std::make_unique<net::HttpServer>(shards_, std::move(options),
                                                [this](async::Shard&) -> net::HttpService& { return *echo_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
    return server_->port();
  }
  void release() {
    shards_.run_on(0, [&](async::Shard&) { echo_->go(); });
  }
  // Who behaves is served meanwhile.
  void expect_good_traffic() {
    RawClient socket(server_->port());
    Http2Peer good(socket);
    auto& answer = good.wait_closed(good.ask("POST", "/good", "x"));
    EXPECT_EQ(answer.status(), 200);
  }
  uint64_t refused_connections(std::string_view reason) {
    return metrics_.counter("fiso_http_connections_refused_total", "", {{"reason", reason}}).value();
  }
  uint64_t refused_requests(std::string_view reason) {
    return metrics_.counter("fiso_http_requests_refused_total", "", {{"reason", reason}}).value();
  }

  async::ShardSet shards_;
  std::unique_ptr<Http2Echo> echo_;
  observe::Counter bodies_refused_;
  net::BodyBudget bodies_;
  observe::Metrics metrics_;
  std::unique_ptr<net::RefusalReport> refusals_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace fiso::testing

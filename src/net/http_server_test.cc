#include "net/http_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "async/signal.h"
#include "async/testing/run_task.h"
#include "base/testing/sanitizer.h"
#include "net/testing/few_descriptors.h"
#include "net/testing/raw_client.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::body_of;
using testing::RawClient;
using testing::status_of;

// Answers with what it was asked; /wait answers when the test says so.
class EchoService final : public HttpService {
 public:
  explicit EchoService(async::Shard& shard) : go_(shard.executor()) {}

  Task<HttpResponse> call(HttpRequest& request) override {
    if (request.path() == "/wait") {
      waiting.store(true);
      co_await go_.wait();
    }
    if (request.path() == "/big") co_return HttpResponse{200, {}, std::string(20 << 20, 'x')};
    if (request.path() == "/none") co_return HttpResponse{204, {}, {}};
    if (request.path() == "/split") {
      HttpResponse response;
      response.headers.add("X-Bad", "a\r\nSet-Cookie: b");
      response.headers.add("Content-Length", "999");
      response.headers.add("X-Good", "a");
      co_return response;
    }
    co_return HttpResponse{200, {}, request.method + " " + request.target + " " + request.body};
  }
  void go() { go_.set(); }
  std::atomic<bool> waiting{false};

 private:
  async::Signal go_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  explicit HttpServerTest(unsigned shards = 1, Bytes bodies = 64_MiB)
      : shards_(shards), services_(shards), bodies_(shards_, bodies, bodies_refused_) {
    shards_.run_on_each([&](async::Shard& shard) { services_[shard.index()] = std::make_unique<EchoService>(shard); });
  }
  ~HttpServerTest() override {
    release();
    server_.reset();
    shards_.run_on_each([&](async::Shard& shard) { services_[shard.index()].reset(); });
  }

  uint16_t start(ServerLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(shards_, ServerOptions{"127.0.0.1:0", limits, {}, &bodies_},
                                           [this](async::Shard& shard) -> HttpService& { return *services_[shard.index()]; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
    return server_->port();
  }
  // Lets the calls that wait go on.
  void release() {
    shards_.run_on_each([&](async::Shard& shard) { services_[shard.index()]->go(); });
  }
  void until_one_waits() {
    while (!services_[0]->waiting.load()) std::this_thread::yield();
  }

  async::ShardSet shards_;
  std::vector<std::unique_ptr<EchoService>> services_;
  observe::Counter bodies_refused_;
  BodyBudget bodies_;
  std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kWait = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

TEST_F(HttpServerTest, OneConnectionCarriesManyRequests) {
  RawClient client(start());
  for (int i = 0; i < 3; ++i) {
    std::string response = client.exchange(kGet);
    EXPECT_EQ(status_of(response), 200);
    EXPECT_EQ(body_of(response), "GET /a?b=c ");
    EXPECT_EQ(response.find("Connection:"), std::string::npos);
    EXPECT_NE(response.find("\r\nDate: "), std::string::npos);
  }
  EXPECT_EQ(body_of(client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")), "POST / hi");
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  RawClient client(start());
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(bytes);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(body_of(client.read_response()), "GET /" + std::to_string(i) + " ");
}

TEST_F(HttpServerTest, ARequestMayComeByteByByte) {
  RawClient client(start());
  for (char c : std::string("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
    client.send({&c, 1});
  EXPECT_EQ(body_of(client.read_response()), "POST /x abc");
}

TEST_F(HttpServerTest, VersionAndConnectionDecideAboutKeepAlive) {
  uint16_t port = start();
  RawClient closing(port), old(port), old_kept(port);
  closing.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(closing.read_all().find("Connection: close"), std::string::npos);
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.read_all().find("Connection: close"), std::string::npos);
  for (int i = 0; i < 2; ++i)
    EXPECT_NE(old_kept.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").find("Connection: keep-alive"),
              std::string::npos);
}

TEST_F(HttpServerTest, HeadHasTheLengthButNoBody) {
  RawClient client(start());
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all = client.read_all();
  EXPECT_NE(all.find("Content-Length: 8\r\n\r\nHTTP/1.1 204 No Content\r\n"), std::string::npos) << all;
  EXPECT_EQ(all.find("Content-Length", all.find("204")), std::string::npos);
}

TEST_F(HttpServerTest, FieldsThatWouldBreakTheFramingAreLeftOut) {
  RawClient client(start());
  std::string response = client.exchange("GET /split HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(response.find("Set-Cookie"), std::string::npos);
  EXPECT_EQ(response.find("999"), std::string::npos);
  EXPECT_NE(response.find("X-Good: a\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, ContinueIsSentToAClientThatWaitsForIt) {
  RawClient client(start());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(client.exchange("hi")), "POST / hi");
}

TEST_F(HttpServerTest, WhatIsNotHttpIsAnsweredAndTheConnectionClosed) {
  uint16_t port = start();
  for (auto [bytes, status] : {std::pair("nonsense\r\n\r\n", 400), std::pair("GET / HTTP/1.1\r\n\r\n", 400),
                               std::pair("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413)}) {
    RawClient client(port);
    client.send(bytes);
    std::string response = client.read_all();
    EXPECT_EQ(status_of(response), status);
    EXPECT_NE(response.find("Connection: close"), std::string::npos);
    EXPECT_NE(response.find("X-Content-Type-Options: nosniff"), std::string::npos);
  }
  EXPECT_EQ(server_->stats().bad_requests, 3u);
  EXPECT_EQ(status_of(RawClient(port).exchange(kGet)), 200);
}

TEST_F(HttpServerTest, AnAnswerToABodyTooLargeSurvivesTheRestOfIt) {
  RawClient client(start({.body_bytes = 1_KiB}));
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'x'));
  client.finish_sending();
  std::string response = client.read_all();
  EXPECT_EQ(status_of(response), 413);
  EXPECT_EQ(response.find("<reset>"), std::string::npos);
}

TEST_F(HttpServerTest, LargeBodiesGoBothWays) {
  RawClient client(start());
  std::string body(8 << 20, 'b');
  std::thread sender(
      [&] { client.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body); });
  EXPECT_EQ(body_of(client.read_response()), "POST /p " + body);
  sender.join();
  EXPECT_EQ(body_of(client.exchange("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")).size(), 20u << 20);
  EXPECT_EQ(status_of(client.exchange(kGet)), 200);
}

TEST_F(HttpServerTest, SlowHeadersAndBodiesEndInATimeout) {
  uint16_t port = start({.header_timeout = milliseconds(60), .body_timeout = milliseconds(60)});
  RawClient headers(port), body(port), silent(port);
  headers.send("GET / HTTP/1.1\r\nHo");
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(status_of(headers.read_all()), 408);
  EXPECT_EQ(status_of(body.read_all()), 408);
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_EQ(server_->stats().timeouts, 2u);
}

TEST_F(HttpServerTest, AnIdleConnectionIsClosedWithoutAWord) {
  RawClient client(start({.idle_timeout = milliseconds(60)}));
  EXPECT_EQ(status_of(client.exchange(kGet)), 200);
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpServerTest, AReaderThatDoesNotReadIsCutOff) {
  RawClient client(start({.write_timeout = milliseconds(60)}));
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  while (server_->stats().timeouts == 0) std::this_thread::yield();
  EXPECT_LT(client.read_all().size(), 20u << 20);
}

TEST_F(HttpServerTest, AConnectionTooManyIsAnswered503) {
  uint16_t port = start({.connections = 1});
  RawClient first(port);
  EXPECT_EQ(status_of(first.exchange(kGet)), 200);
  RawClient second(port);
  second.send(kGet);
  std::string response = second.read_all();
  EXPECT_EQ(status_of(response), 503);
  EXPECT_NE(response.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_EQ(body_of(response), "too many connections\n");
  EXPECT_EQ(status_of(first.exchange(kGet)), 200);
  EXPECT_EQ(server_->stats().refused, 1u);
}

std::string post(std::string_view target, size_t body_bytes) {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n" +
         std::string(body_bytes, 'b');
}

class BodyBudgetTest : public HttpServerTest {
 protected:
  BodyBudgetTest() : HttpServerTest(1, 100'000_B) {}

  void until_charged(uint64_t bytes) {
    while (bodies_.bytes.in_use() != bytes) std::this_thread::yield();
  }
  // A body that there is no room for is answered, and its connection closed.
  void expect_refused(uint16_t port, size_t body_bytes) {
    RawClient client(port);
    client.send(post("/", body_bytes));
    client.finish_sending();
    std::string response = client.read_all();
    EXPECT_EQ(status_of(response), 503);
    EXPECT_NE(response.find("Retry-After: 1\r\n"), std::string::npos);
    EXPECT_NE(response.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(body_of(response), "too many request bodies are held\n");
    EXPECT_EQ(response.find("<reset>"), std::string::npos);
  }
};

TEST_F(BodyBudgetTest, ABodyIsHeldUntilItsAnswer) {
  uint16_t port = start();
  RawClient held(port);
  held.send(post("/wait", 90'000));
  until_one_waits();
  EXPECT_EQ(bodies_.bytes.in_use(), 90'000u);
  expect_refused(port, 20'000);
  EXPECT_EQ(bodies_refused_.value(), 1u);
  EXPECT_EQ(bodies_.bytes.in_use(), 90'000u);
  EXPECT_EQ(status_of(RawClient(port).exchange(post("/", 16 << 10))), 200);  // what is small does not count
  release();
  EXPECT_EQ(status_of(held.read_response()), 200);
  until_charged(0);
  EXPECT_EQ(status_of(RawClient(port).exchange(post("/", 90'000))), 200);
  EXPECT_EQ(status_of(held.exchange(post("/", 90'000))), 200);  // the connection goes on
  EXPECT_EQ(bodies_refused_.value(), 1u);
}

TEST_F(BodyBudgetTest, ALargeHeadCountsTwiceWhileItIsThere) {
  uint16_t port = start();
  auto head = [](size_t bytes) { return "GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + std::string(bytes, 'a'); };
  RawClient slow(port), small(port);
  small.send(head(15'000));
  slow.send(head(40'000));
  until_charged(2 * head(40'000).size());
  RawClient another(port);
  another.send(head(40'000));
  another.finish_sending();
  std::string response = another.read_all();
  EXPECT_EQ(status_of(response), 503) << response;
  EXPECT_EQ(bodies_refused_.value(), 1u);
  EXPECT_EQ(status_of(small.exchange("\r\n\r\n")), 200);
  EXPECT_EQ(status_of(slow.exchange("\r\n\r\n")), 200);
  until_charged(0);
  EXPECT_EQ(status_of(slow.exchange(kGet)), 200);  // the connection goes on
}

TEST_F(BodyBudgetTest, ABodyThatIsStillComingCountsAsFarAsItHasCome) {
  uint16_t port = start();
  {
    RawClient slow(port);
    slow.send(post("/", 90'000).substr(0, 90'000));
    until_charged(90'000 - post("/", 90'000).find("bbb"));
    expect_refused(port, 20'000);
    slow.send("bbb");
  }
  until_charged(0);  // its client has left
  EXPECT_EQ(status_of(RawClient(port).exchange(post("/", 90'000))), 200);
}

TEST_F(BodyBudgetTest, ChunkedBodiesCountToo) {
  uint16_t port = start();
  RawClient held(port);
  held.send(post("/wait", 90'000));
  until_one_waits();
  RawClient chunked(port);
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + std::string(20'000, 'c'));
  EXPECT_EQ(status_of(chunked.read_response()), 503);
}

TEST_F(BodyBudgetTest, WhatEndsInAnErrorGivesItsBytesBack) {
  uint16_t port = start({.body_timeout = milliseconds(60)});
  RawClient late(port), broken(port);
  late.send(post("/", 40'000).substr(0, 30'000));
  broken.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + std::string(20'000, 'c') +
              "\r\nxyz\r\n");
  EXPECT_EQ(status_of(late.read_response()), 408);
  EXPECT_EQ(status_of(broken.read_response()), 400);
  until_charged(0);  // though both connections are still there
}

TEST_F(HttpServerTest, AClientThatLeavesDuringItsCallHurtsNobody) {
  uint16_t port = start();
  {
    RawClient client(port);
    client.send(kWait);
    until_one_waits();
  }
  release();
  EXPECT_EQ(status_of(RawClient(port).exchange(kGet)), 200);
}

TEST_F(HttpServerTest, APortInUseIsSaidClearly) {
  std::string address = "127.0.0.1:" + std::to_string(start());
  HttpServer second(shards_, {address, {}, {}}, [this](async::Shard&) -> HttpService& { return *services_[0]; });
  auto result = second.bind();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), "listen " + address + ": address already in use");
}

TEST_F(HttpServerTest, AddressesThatMakeNoSenseAreRefused) {
  for (std::string address :
       {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", "::1:80", "127.0.0.1:+1"}) {
    HttpServer server(shards_, {address, {}, {}}, [this](async::Shard&) -> HttpService& { return *services_[0]; });
    auto result = server.bind();
    ASSERT_FALSE(result.has_value()) << address;
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidConfig) << address;
  }
}

TEST_F(HttpServerTest, WithoutDescriptorsItDoesNotBindAndOnceBoundItStarts) {
  if (testing::kChecksTypes) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  bool bound = false;
  for (rlim_t left = 0; !bound; ++left) {
    ASSERT_LT(left, 32u);
    HttpServer server(shards_, {"127.0.0.1:0", {}, {}}, [this](async::Shard&) -> HttpService& { return *services_[0]; });
    testing::FewDescriptors few(left);
    auto result = server.bind();
    bound = result.has_value();
    if (bound) server.start();
    if (!bound) EXPECT_EQ(result.error().message(), "listen 127.0.0.1:0: Too many open files") << left;
  }
}

TEST_F(HttpServerTest, DrainFinishesWhatIsUnderWay) {
  uint16_t port = start({.drain_grace = milliseconds(10)});
  RawClient busy(port), idle(port);
  EXPECT_EQ(status_of(idle.exchange(kGet)), 200);
  busy.send(kWait);
  until_one_waits();
  server_->begin_drain();
  std::thread releaser([&] {
    EXPECT_EQ(idle.read_all(), "");  // closed after the grace, while the other still waits
    release();
  });
  EXPECT_EQ(server_->wait_drained(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
  releaser.join();
  std::string response = busy.read_all();
  EXPECT_EQ(status_of(response), 200);
  EXPECT_NE(response.find("Connection: close"), std::string::npos);
  EXPECT_FALSE(RawClient(port).is_open());
}

TEST_F(HttpServerTest, DrainServesWhatStillArrivesOnIdleConnections) {
  uint16_t port = start({.drain_grace = seconds(30)});
  RawClient idle(port), fresh(port);
  EXPECT_EQ(status_of(idle.exchange(kGet)), 200);
  server_->begin_drain();
  for (RawClient* client : {&idle, &fresh}) {
    client->send(kGet);
    std::string response = client->read_all();
    EXPECT_EQ(status_of(response), 200);
    EXPECT_NE(response.find("Connection: close"), std::string::npos);
    client->close();
  }
  EXPECT_EQ(server_->wait_drained(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
}

TEST_F(HttpServerTest, DrainCutsAtItsDeadlineAndSaysSo) {
  uint16_t port = start({.drain_grace = milliseconds(10)});
  RawClient client(port);
  client.send(kWait);
  until_one_waits();
  EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + milliseconds(50)), HttpServer::Drained::kCut);
  EXPECT_EQ(status_of(client.read_all()), 0);
}

TEST_F(HttpServerTest, APortThatIsPassedOnIsNeverClosed) {
  uint16_t port = start({.drain_grace = milliseconds(10)});
  HttpServer next(shards_, ServerOptions{"127.0.0.1:0", {}, {}, &bodies_},
                  [this](async::Shard& shard) -> HttpService& { return *services_[shard.index()]; });
  RawClient busy(port);
  busy.send(kWait);
  until_one_waits();
  ASSERT_TRUE(next.bind_beside(*server_).has_value());
  next.start();
  server_->begin_drain(HttpServer::Port::kPassesOn);
  release();
  EXPECT_EQ(server_->wait_drained(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
  EXPECT_EQ(status_of(busy.read_all()), 200);
  server_.reset();
  EXPECT_EQ(next.port(), port);
  RawClient client(port);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(status_of(client.exchange(kGet)), 200);
  EXPECT_EQ(next.stats().accepted, 1u);
}

TEST_F(HttpServerTest, AServerThatWasBoundBesideAnotherAndNeverStartedLeavesItsPort) {
  uint16_t port = start();
  {
    HttpServer next(shards_, ServerOptions{"127.0.0.1:0", {}, {}, &bodies_},
                    [this](async::Shard& shard) -> HttpService& { return *services_[shard.index()]; });
    ASSERT_TRUE(next.bind_beside(*server_).has_value());
  }
  EXPECT_EQ(status_of(RawClient(port).exchange(kGet)), 200);
}

class TwoShardServer : public HttpServerTest {
 protected:
  TwoShardServer() : HttpServerTest(2) {}
};

TEST_F(TwoShardServer, ConnectionsAreSpreadOverTheShards) {
  uint16_t port = start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 20; ++i) {
    clients.emplace_back(port);
    EXPECT_EQ(status_of(clients.back().exchange(kGet)), 200);
  }
  EXPECT_EQ(server_->stats().connections, 20u);
}

// Whatever a client had begun before the port closed is answered: no reset, no half answer, no silence.
TEST_F(TwoShardServer, DrainUnderLoadCutsNoRequest) {
  for (int round = 0; round < 10; ++round) {
    uint16_t port = start({.drain_grace = milliseconds(200)});
    std::atomic<int> bad{0}, good{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&] {
        for (;;) {
          RawClient client(port);
          if (!client.is_open()) return;
          for (bool last = false; !last;) {
            std::string response = client.exchange(kGet);
            last = response.find("Connection: close") != std::string::npos;
            ++(status_of(response) == 200 ? good : bad);
            if (status_of(response) != 200) return;
          }
        }
      });
    }
    while (good.load() < 200) std::this_thread::yield();
    EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(bad.load(), 0);
    server_.reset();
  }
}

}  // namespace
}  // namespace fiso::net

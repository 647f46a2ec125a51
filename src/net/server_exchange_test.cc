#include <gtest/gtest.h>

#include "async/shard.h"
#include "net/http_server.h"
#include "net/streaming_service.h"
#include "net/testing/raw_client.h"

namespace fiso::net {
namespace {

using testing::body_of;
using testing::RawClient;
using testing::status_of;

// Does what the path says.
class PathService final : public HttpService, public StreamingService {
 public:
  StreamingService* streaming() override { return this; }
  Task<HttpResponse> call(HttpRequest&) override { co_return HttpResponse{500, {}, {}}; }

  Task<> serve(HttpRequest& head, ServerExchange& exchange) override {
    HeaderList fields;
    if (head.path() == "/count") {
      co_await count(exchange);
    } else if (head.path() == "/unread") {
      HttpResponse response = text_response(200, "unread");
      (void)co_await answer(exchange, response);
    } else if (head.path() == "/break") {
      exchange.begin(200, fields, std::nullopt);
      (void)co_await exchange.write("part");
    } else if (head.path() == "/longer") {
      exchange.begin(200, fields, 2);
      Result<> written = co_await exchange.write("abc");
      EXPECT_FALSE(written.has_value());
    } else if (head.path() == "/shorter") {
      exchange.begin(200, fields, 4);
      Result<> ended = co_await exchange.end("abc");
      EXPECT_FALSE(ended.has_value());
    }
  }

 private:
  static Task<> count(ServerExchange& exchange) {
    uint64_t bytes = 0;
    for (;;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      if (piece->empty()) break;
      bytes += piece->size();
    }
    HttpResponse response = text_response(200, std::to_string(bytes));
    (void)co_await answer(exchange, response);
  }
};

class ServerExchangeTest : public ::testing::Test {
 protected:
  ServerExchangeTest() : shards_(1) {}
  ~ServerExchangeTest() override { server_.reset(); }

  uint16_t start() {
    ServerLimits limits;
    limits.body_bytes = Bytes{1000};  // means whole messages only
    server_ = std::make_unique<HttpServer>(shards_, ServerOptions{"127.0.0.1:0", limits, {}, nullptr},
                                           [this](async::Shard&) -> HttpService& { return service_; });
    EXPECT_TRUE(server_->bind().has_value());
    server_->start();
    return server_->port();
  }

  async::ShardSet shards_;
  PathService service_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ServerExchangeTest, ABodyOfAnySizeIsReadInPieces) {
  RawClient client(start());
  client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  EXPECT_EQ(body_of(client.read_response()), "3000000\n");
  for (char c :
       std::string("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"))
    client.send({&c, 1});
  EXPECT_EQ(body_of(client.read_response()), "4\n");
  EXPECT_EQ(body_of(client.exchange("GET /count HTTP/1.1\r\nHost: x\r\n\r\n")), "0\n");
}

TEST_F(ServerExchangeTest, ABodyThatIsNotReadIsPassedOver) {
  RawClient client(start());
  for (int i = 0; i < 2; ++i) {
    client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n");
    EXPECT_EQ(body_of(client.read_response()), "unread\n");
    client.send(std::string(50'000, 'x'));
  }
  EXPECT_EQ(body_of(client.exchange("GET /count HTTP/1.1\r\nHost: x\r\n\r\n")), "0\n");
}

TEST_F(ServerExchangeTest, ABodyThatIsTooLongToPassOverCostsTheConnection) {
  RawClient client(start());
  client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n");
  EXPECT_EQ(body_of(client.read_response()), "unread\n");
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerExchangeTest, WhoeverWasNotAskedForTheBodyIsNotWaitedFor) {
  RawClient client(start());
  std::string all = client.exchange("POST /unread HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(status_of(all), 200);
  EXPECT_NE(all.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.at_end());
}

TEST_F(ServerExchangeTest, ARequestThatTheServiceDoesNotAnswerIs500) {
  RawClient client(start());
  client.send("GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(status_of(client.read_all()), 500);
}

TEST_F(ServerExchangeTest, AMalformedBodyIs400) {
  RawClient client(start());
  client.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("zz\r\n");
  EXPECT_EQ(status_of(client.read_all()), 400);
  EXPECT_EQ(server_->stats().bad_requests, 1u);
}

TEST_F(ServerExchangeTest, AnAnswerThatBreaksOffIsCut) {
  uint16_t port = start();
  RawClient client(port), old(port);
  client.send("GET /break HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(body_of(client.read_all()), "4\r\npart\r\n");
  old.send("GET /break HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("<reset>"));
}

TEST_F(ServerExchangeTest, AnAnswerOfAnotherLengthThanItSaysIsCut) {
  uint16_t port = start();
  for (std::string path : {"/longer", "/shorter"}) {
    RawClient client(port);
    client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(body_of(client.read_all()), "");
  }
}

}  // namespace
}  // namespace fiso::net

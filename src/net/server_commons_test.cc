#include "net/server_commons.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>
#include <tuple>

#include "base/testing/sanitizer.h"
#include "net/streaming_service.h"
#include "net/testing/certificate.h"
#include "net/testing/few_descriptors.h"
#include "net/testing/raw_client.h"
#include "observe/testing/captured_log.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using testing::RawClient;
using testing::status_of;

class Ok final : public HttpService, private StreamingService {
 public:
  StreamingService* streaming() override { return streams ? this : nullptr; }
  Task<HttpResponse> call(HttpRequest& request) override { co_return answer_to(request); }
  bool streams = false;
  bool reads_first = false;

 private:
  Task<> serve(HttpRequest& head, ServerExchange& exchange) override {
    for (bool more = reads_first; more;) {
      Result<std::string_view> piece = co_await exchange.read();
      if (!piece.has_value()) co_return;
      more = !piece->empty();
    }
    HttpResponse response = answer_to(head);
    (void)co_await answer(exchange, response);
  }
  // More than sockets hold, for /big.
  static HttpResponse answer_to(const HttpRequest& request) {
    return {200, {}, std::string(request.path() == "/big" ? 20 << 20 : 0, 'x')};
  }
};

// Two servers that have their limits in common.
class ServerCommonsTest : public ::testing::Test {
 protected:
  void start(const ServerLimits& limits, const std::optional<TlsServerOptions>& tls = {}) {
    for (auto& server : servers_) server.reset();
    commons_ = std::make_unique<ServerCommons>(shards_, limits, metrics_, log_.log());
    for (auto& server : servers_) {
      server = std::make_unique<HttpServer>(shards_, commons_->options("127.0.0.1:0", limits, tls),
                                            [this](async::Shard&) -> HttpService& { return service_; });
      ASSERT_TRUE(server->bind().has_value());
      server->start();
    }
  }
  // The answer to bytes after which the client sends no more.
  std::string answer_to(std::string_view bytes) {
    RawClient client(servers_[0]->port());
    client.send(bytes);
    client.finish_sending();
    return client.read_all();
  }
  bool shows(const std::string& series) { return metrics_.expose().find(series + "\n") != std::string::npos; }

  async::ShardSet shards_{1};
  observe::Metrics metrics_;
  testing::CapturedLog log_;
  std::unique_ptr<ServerCommons> commons_;
  Ok service_;
  std::unique_ptr<HttpServer> servers_[2];
};

TEST_F(ServerCommonsTest, EveryRefusalIsCountedAndLoggedByItsReason) {
  struct Case {
    std::string_view reason, bytes;
    int status;
    bool finish = true;  // sending; or leave the server waiting
  };
  std::string huge = "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + std::string(2000, 'a') + "\r\n\r\n";
  for (const Case& c : {
           Case{"malformed", "GET /\x01\x1b[31m\"canary HTTP/1.1\r\nHost: x\r\n\r\n", 400},
           Case{"incomplete", "GET / HTTP/1.1\r\nHost: canary", 400},
           Case{"version", "GET /canary HTTP/2.0\r\nHost: x\r\n\r\n", 505},
           Case{"expectation", "GET / HTTP/1.1\r\nHost: x\r\nExpect: canary\r\n\r\n", 417},
           Case{"head_too_large", huge, 431},
           Case{"body_too_large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\ncanary", 413},
           Case{"head_timeout", "GET / HTTP/1.1\r\nHost: canary", 408, false},
           Case{"body_timeout", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\ncanary", 408, false},
       }) {
    // Anew each time, for no more lines than a second may have.
    start({.header_bytes = 1_KiB, .body_bytes = 10_B, .header_timeout = milliseconds(60), .body_timeout = milliseconds(60)});
    std::string series = "fiso_http_requests_refused_total{reason=\"" + std::string(c.reason) + "\"}";
    EXPECT_TRUE(shows(series + " 0")) << c.reason;
    RawClient client(servers_[0]->port());
    client.send(c.bytes);
    if (c.finish) client.finish_sending();
    EXPECT_EQ(status_of(client.read_all()), c.status) << c.reason;
    EXPECT_TRUE(shows(series + " 1")) << c.reason;
    ASSERT_EQ(log_.count(), 1u) << c.reason;
    std::string line = log_.lines()[0];
    for (const std::string& text : {std::string(R"("level":"WARN")"), std::string(R"("msg":"http request refused")"),
                                    R"("reason":")" + std::string(c.reason) + '"', R"("status":)" + std::to_string(c.status),
                                    std::string(R"("remote":"127.)")})
      EXPECT_NE(line.find(text), std::string::npos) << text << " in " << line;
    EXPECT_EQ(line.find("canary"), std::string::npos) << line;
    log_.clear();
  }
}

TEST_F(ServerCommonsTest, ABodyThatIsReadAsItComesIsRefusedByItsReasonToo) {
  service_.streams = service_.reads_first = true;
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const auto& [reason, bytes, status] : {std::tuple("body_timeout", head + "Content-Length: 10\r\n\r\ncanary", 408),
                                              std::tuple("malformed", head + "Transfer-Encoding: chunked\r\n\r\ncanary", 400)}) {
    start({.body_timeout = milliseconds(60)});
    RawClient client(servers_[0]->port());
    client.send(bytes);
    EXPECT_EQ(status_of(client.read_all()), status) << reason;
    EXPECT_TRUE(shows("fiso_http_requests_refused_total{reason=\"" + std::string(reason) + "\"} 1")) << reason;
    ASSERT_EQ(log_.count(), 1u) << reason;
    EXPECT_NE(log_.lines()[0].find("\"reason\":\"" + std::string(reason) + '"'), std::string::npos) << log_.lines()[0];
    log_.clear();
  }
}

TEST_F(ServerCommonsTest, AClientThatOnlyLooksIsNoRefusal) {
  start({.header_timeout = milliseconds(30)});
  EXPECT_EQ(answer_to(""), "");
  EXPECT_EQ(RawClient(servers_[0]->port()).read_all(), "");
  EXPECT_EQ(log_.count(), 0u);
}

TEST_F(ServerCommonsTest, AConnectionThatThereIsNoDescriptorForIsToldAndAcceptedLater) {
  if (testing::kChecksTypes) GTEST_SKIP() << "the sanitizer needs descriptors itself";
  start({});
  RawClient client(servers_[0]->port()), next(servers_[0]->port());
  EXPECT_EQ(status_of(client.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), 200);
  std::string series = "fiso_http_connections_refused_total{reason=\"no_descriptors\"}";
  EXPECT_TRUE(shows(series + " 0"));
  int late = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(servers_[0]->port()), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  {
    testing::FewDescriptors none(0);
    EXPECT_EQ(::connect(late, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    while (log_.count() == 0) std::this_thread::yield();
  }
  EXPECT_FALSE(shows(series + " 0"));
  std::string line = log_.lines()[0];
  for (const char* text : {R"("level":"WARN")", R"("msg":"http connections cannot be accepted")", R"("reason":"no_descriptors")",
                           "Too many open files"})
    EXPECT_NE(line.find(text), std::string::npos) << text << " in " << line;
  while (servers_[0]->stats().accepted < 3) std::this_thread::yield();
  ::close(late);
}

TEST_F(ServerCommonsTest, TlsHandshakesThatFailAreCountedAndLogged) {
  testing::Certificate certificate;
  TlsServerOptions tls{certificate.cert_file(), certificate.key_file()};
  uint64_t all = 0;
  struct Case {
    std::string_view bytes;
    bool finish;  // sending; or leave the server waiting
    uint64_t counted;
  };
  for (const Case& c : {Case{"GET /canary HTTP/1.1\r\nHost: x\r\n\r\n", false, 1}, Case{"\x16\x03\x01", false, 1},
                        Case{"\x16\x03\x01", true, 1}, Case{"", true, 0}, Case{"", false, 0}}) {
    start({.header_timeout = milliseconds(60)}, tls);
    all += c.counted;
    RawClient client(servers_[0]->port());
    client.send(c.bytes);
    if (c.finish) client.finish_sending();
    client.read_all();
    std::string series = "fiso_http_connections_refused_total{reason=\"tls_handshake\"} ";
    EXPECT_TRUE(shows(series + std::to_string(all))) << c.bytes;
    EXPECT_EQ(log_.count(R"("msg":"http connection refused")"), c.counted);
    EXPECT_EQ(log_.count(R"("reason":"tls_handshake","error":")"), c.counted);
    EXPECT_EQ(log_.count(R"("remote":"127.)"), c.counted);
    EXPECT_FALSE(log_.contains("canary"));
    log_.clear();
  }
}

TEST_F(ServerCommonsTest, ReadersThatAreTooSlowAreCountedAndLogged) {
  for (bool streams : {false, true}) {
    service_.streams = streams;
    start({.write_timeout = milliseconds(60)});
    RawClient client(servers_[0]->port());
    client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");  // and reads nothing
    while (!shows("fiso_http_connections_refused_total{reason=\"slow_reader\"} " + std::string(streams ? "2" : "1")))
      std::this_thread::yield();
    while (!log_.contains(R"("msg":"http connection refused")")) std::this_thread::yield();
    EXPECT_TRUE(log_.contains(R"("reason":"slow_reader","error":"the client does not take the answer","remote":"127.)"));
    log_.clear();
  }
}

TEST_F(ServerCommonsTest, AFloodOfRefusalsIsCountedButNotAllLogged) {
  start({});
  for (int i = 0; i < 60; ++i) EXPECT_EQ(status_of(answer_to("nonsense\r\n\r\n")), 400);
  EXPECT_TRUE(shows("fiso_http_requests_refused_total{reason=\"malformed\"} 60"));
  EXPECT_LT(log_.count(), 60u);
}

TEST_F(ServerCommonsTest, ConnectionsOfAllServersCountTogether) {
  start({.connections = 1});
  constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  {
    RawClient first(servers_[0]->port());
    EXPECT_EQ(status_of(first.exchange(kGet)), 200);
    for (auto& server : servers_) {
      RawClient second(server->port());
      EXPECT_EQ(status_of(second.read_all()), 503);
      EXPECT_EQ(server->stats().refused, 1u);
    }
    EXPECT_TRUE(shows("fiso_http_connections_refused_total{reason=\"too_many\"} 2"));
    EXPECT_EQ(log_.count("\"msg\":\"http connection refused\""), 2u);
    EXPECT_TRUE(log_.contains("\"limit\":1")) << log_.lines()[0];
    commons_->show();
    EXPECT_TRUE(shows("fiso_http_connections 1"));
    EXPECT_EQ(status_of(first.exchange(kGet)), 200);
  }
  while (commons_->connections.open() > 0) std::this_thread::yield();
  EXPECT_EQ(status_of(RawClient(servers_[1]->port()).exchange(kGet)), 200);
}

}  // namespace
}  // namespace fiso::net

#include "net/tls.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/testing/certificate.h"
#include "net/testing/raw_client.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::seconds;
using testing::Certificate;

class Echo final : public HttpService {
 public:
  Task<HttpResponse> call(HttpRequest& request) override { co_return HttpResponse{200, {}, request.target + " " + request.body}; }
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() : shards_(1), blocking_(1, 16) {}
  ~TlsTest() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }
  void start(const Certificate& certificate, ServerLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(
        shards_, ServerOptions{"127.0.0.1:0", limits, TlsServerOptions{certificate.cert_file(), certificate.key_file()}},
        [this](async::Shard&) -> HttpService& { return echo_; });
    auto bound = server_->bind();
    ASSERT_TRUE(bound.has_value()) << bound.error().describe();
    server_->start();
  }
  Result<ClientResponse> get(const Certificate& trusted, const std::string& host, std::string_view body = "") {
    ClientOptions options;
    options.origin = {Scheme::kHttps, host, server_->port(), "/"};
    options.tls = *make_tls_client_context({trusted.cert_file()});
    shards_.run_on(0, [&](async::Shard& shard) {
      if (!client_) client_ = std::make_unique<HttpClient>(shard, blocking_, options);
    });
    std::string_view pieces[] = {body};
    ClientRequest request{.method = "POST", .target = "/secret", .body = pieces};
    return testing::run_task(shards_[0], [&] { return client_->send(request, std::chrono::steady_clock::now() + seconds(30)); });
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  Echo echo_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(TlsTest, ServerAndClientSpeakOverOneKeptConnection) {
  Certificate certificate("IP:127.0.0.1,DNS:localhost");
  start(certificate);
  for (int i = 0; i < 3; ++i) {
    auto response = get(certificate, "127.0.0.1", "hi");
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->body, "/secret hi");
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST_F(TlsTest, LargeBodiesGoBothWays) {
  Certificate certificate("DNS:localhost");
  start(certificate);
  std::string body(900'000, 'b');
  auto response = get(certificate, "localhost", body);
  ASSERT_TRUE(response.has_value()) << response.error().describe();
  EXPECT_EQ(response->body, "/secret " + body);
}

TEST_F(TlsTest, ARelayStreamsFromTlsToTls) {
  Certificate certificate("IP:127.0.0.1");
  start(certificate);
  std::unique_ptr<HttpServer> target = std::move(server_);
  ClientOptions options = fiso::testing::target_on(target->port());
  options.origin.scheme = Scheme::kHttps;
  options.tls = *make_tls_client_context({certificate.cert_file()});
  std::unique_ptr<fiso::testing::RelayService> relay;
  shards_.run_on(0, [&](async::Shard& shard) {
    relay = std::make_unique<fiso::testing::RelayService>(shard, blocking_, options, RelayOptions{});
  });
  ServerOptions front{"127.0.0.1:0", {}, TlsServerOptions{certificate.cert_file(), certificate.key_file()}};
  server_ = std::make_unique<HttpServer>(shards_, front, [&](async::Shard&) -> HttpService& { return *relay; });
  ASSERT_TRUE(server_->bind().has_value());
  server_->start();
  std::string body(900'000, 'b');
  for (int i = 0; i < 3; ++i) {
    auto response = get(certificate, "127.0.0.1", body);
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->body, "/secret " + body);
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
  EXPECT_EQ(target->stats().accepted, 1u);
  server_.reset();
  shards_.run_on(0, [&](async::Shard&) { relay.reset(); });
}

TEST_F(TlsTest, ACertificateOfAnotherNameIsRefused) {
  Certificate certificate("DNS:example.com");
  start(certificate);
  auto response = get(certificate, "localhost");
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message(), "tls: the certificate is not valid for the host");
}

TEST_F(TlsTest, ACertificateOfAnUnknownAuthorityIsRefused) {
  Certificate certificate("IP:127.0.0.1"), other("IP:127.0.0.1");
  start(certificate);
  auto response = get(other, "127.0.0.1");
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().message(), "tls: the certificate is not trusted");
}

TEST_F(TlsTest, AClientThatDoesNotSpeakTlsHurtsNobody) {
  Certificate certificate("IP:127.0.0.1");
  start(certificate);
  testing::RawClient plain(server_->port());
  plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(testing::status_of(plain.read_all()), 0);
  EXPECT_TRUE(get(certificate, "127.0.0.1").has_value());
}

TEST_F(TlsTest, ASilentClientIsClosedInTime) {
  Certificate certificate("IP:127.0.0.1");
  start(certificate, {.header_timeout = std::chrono::milliseconds(30)});
  testing::RawClient silent(server_->port());
  EXPECT_EQ(silent.read_all(), "");
}

TEST_F(TlsTest, DrainEndsIdleConnections) {
  Certificate certificate("IP:127.0.0.1");
  start(certificate, {.drain_grace = std::chrono::milliseconds(10)});
  ASSERT_TRUE(get(certificate, "127.0.0.1").has_value());
  EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
}

TEST(TlsContextTest, UnusableFilesAreErrorsThatKeepThePathForTheLog) {
  Certificate certificate("DNS:x"), other("DNS:x");
  auto missing = make_tls_server_context({"/nonexistent.pem", certificate.key_file()});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().message(), "tls: cannot use the certificate");
  EXPECT_NE(missing.error().describe().find("/nonexistent.pem"), std::string::npos);
  EXPECT_FALSE(make_tls_server_context({certificate.cert_file(), certificate.cert_file()}).has_value());
  EXPECT_FALSE(make_tls_server_context({certificate.cert_file(), other.key_file()}).has_value());
  EXPECT_FALSE(make_tls_client_context({"/nonexistent.pem"}).has_value());
  EXPECT_TRUE(make_tls_client_context({}).has_value());
  EXPECT_TRUE(make_tls_client_context({.cert_file = certificate.cert_file(), .key_file = certificate.key_file()}).has_value());
  EXPECT_FALSE(make_tls_client_context({.cert_file = certificate.cert_file(), .key_file = other.key_file()}).has_value());
  EXPECT_FALSE(make_tls_client_context({.cert_file = "/nonexistent.pem", .key_file = other.key_file()}).has_value());
}

TEST(TlsContextTest, AKeyThatWantsAPassphraseIsAnErrorNotAQuestion) {
  Certificate certificate("DNS:x");
  certificate.lock_key();
  auto locked = make_tls_server_context({certificate.cert_file(), certificate.key_file()});
  ASSERT_FALSE(locked.has_value());
  EXPECT_EQ(locked.error().message(), "tls: cannot use the private key");
}

}  // namespace
}  // namespace fiso::net

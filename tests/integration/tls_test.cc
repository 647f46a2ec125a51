// A source that speaks TLS, and a sink whose certificate is verified.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>

#include "net/http_server.h"
#include "test_server.h"

namespace fiso::testing {
namespace {

// One request over TLS, and the first piece of its answer; empty if there was no handshake.
std::string exchange_by_tls(uint16_t port, const std::string& request) {
  RawClient client(port);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, client.fd());
  std::string answer;
  if (SSL_connect(ssl) == 1 && SSL_write(ssl, request.data(), static_cast<int>(request.size())) > 0) {
    char buffer[4096];
    int got = SSL_read(ssl, buffer, sizeof buffer);
    if (got > 0) answer.assign(buffer, static_cast<size_t>(got));
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return answer;
}

TEST(TlsTest, ASourceServesHttpsAndNothingInTheClear) {
  Certificate certificate;
  EventReceiver receiver;
  TestServer server(
      FlowText{.source_more = tls_source(certificate), .guest = guest("enrich"), .sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  std::string answer = exchange_by_tls(server.port(), post_text("/ingest", R"({"a":1})"));
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_TRUE(receiver.request().ends_with(R"("data":{"wasm_enriched":true,"a":1}})"));
  RawClient clear(server.port());
  clear.send(post_text("/ingest", "{}"));
  EXPECT_EQ(clear.read_all().find("HTTP/"), std::string::npos);
  EXPECT_EQ(receiver.requests().size(), 1u);
}

// The public key of the certificate that a client is shown; a connection that stays open beside it.
class TlsClient {
 public:
  explicit TlsClient(uint16_t port) : client_(port) {
    SSL_set_fd(ssl_, client_.fd());
    EXPECT_EQ(SSL_connect(ssl_), 1);
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;

  std::string exchange(const std::string& request) {
    char buffer[4096];
    if (SSL_write(ssl_, request.data(), static_cast<int>(request.size())) <= 0) return "";
    int got = SSL_read(ssl_, buffer, sizeof buffer);
    return got > 0 ? std::string(buffer, static_cast<size_t>(got)) : "";
  }
  std::string shown() {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    unsigned char* bytes = nullptr;
    int length = i2d_PUBKEY(X509_get0_pubkey(certificate), &bytes);
    std::string key(reinterpret_cast<char*>(bytes), static_cast<size_t>(length));
    OPENSSL_free(bytes);
    X509_free(certificate);
    return key;
  }

 private:
  RawClient client_;
  SSL_CTX* context_ = SSL_CTX_new(TLS_client_method());
  SSL* ssl_ = SSL_new(context_);
};

TEST(TlsTest, AReloadServesTheCertificateThatIsThereNow) {
  Certificate certificate;
  TestServer server({{"flow.yaml", FlowText{.source_more = tls_source(certificate)}.str()}});
  ASSERT_EQ(server.error(), "");
  TlsClient before(server.port());
  EXPECT_EQ(status_of(before.exchange(post_text("/ingest", "{}"))), 200);
  certificate.renew();
  EXPECT_EQ(TlsClient(server.port()).shown(), before.shown()) << "nobody has asked for it yet";
  server.admin("/reload", "POST");
  EXPECT_NE(server.wait_for_reload(1).find(R"("status":"ok")"), std::string::npos);
  TlsClient after(server.port());
  EXPECT_NE(after.shown(), before.shown());
  EXPECT_EQ(status_of(after.exchange(post_text("/ingest", "{}"))), 200);
  EXPECT_EQ(status_of(before.exchange(post_text("/ingest", "{}"))), 200) << "an open connection was dropped";
}

TEST(TlsTest, AReloadWithAnUnusableCertificateKeepsTheOldOne) {
  Certificate certificate;
  TestServer server({{"flow.yaml", FlowText{.source_more = tls_source(certificate)}.str()}});
  ASSERT_EQ(server.error(), "");
  std::string shown = TlsClient(server.port()).shown();
  certificate.spoil();
  server.admin("/reload", "POST");
  std::string verdict = server.wait_for_reload(1);
  EXPECT_NE(verdict.find(R"("status":"failed")"), std::string::npos) << verdict;
  EXPECT_NE(verdict.find("source.config.tls: "), std::string::npos) << verdict;
  EXPECT_NE(verdict.find("tls: cannot use the certificate"), std::string::npos) << verdict;
  EXPECT_EQ(TlsClient(server.port()).shown(), shown);
}

TEST(TlsTest, AReloadMayNameOtherFiles) {
  Certificate certificate, other;
  TestServer server({{"flow.yaml", FlowText{.source_more = tls_source(certificate)}.str()}});
  ASSERT_EQ(server.error(), "");
  std::string shown = TlsClient(server.port()).shown();
  server.config().write("flow.yaml", FlowText{.source_more = tls_source(other)}.str());
  EXPECT_NE(server.wait_for_reload(1).find(R"("status":"ok")"), std::string::npos);
  EXPECT_NE(TlsClient(server.port()).shown(), shown);
}

TEST(TlsTest, ACertificateThatIsMissingStopsTheStart) {
  TestServer server(FlowText{.source_more = ", tls: {certFile: /no/cert.pem, keyFile: /no/key.pem}"});
  EXPECT_NE(server.error().find("/no/cert.pem"), std::string::npos) << server.error();
}

TEST(TlsTest, FlowsOnOneListenerAgreeOnTls) {
  Certificate certificate;
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a", .source_more = tls_source(certificate)}.str()},
                     {"b.yaml", FlowText{.name = "b", .path = "/b"}.str()}});
  EXPECT_NE(server.error().find("flows that share 127.0.0.1:0 must agree on tls"), std::string::npos) << server.error();
}

class Counter final : public net::HttpService {
 public:
  Task<net::HttpResponse> call(net::HttpRequest&) override {
    ++calls;
    co_return net::HttpResponse();
  }
  std::atomic<int> calls{0};
};

TEST(TlsTest, ASinkIsVerified) {
  Certificate certificate, other;
  Counter counter;
  async::ShardSet shards(1);
  net::HttpServer upstream(shards, {"127.0.0.1:0", {}, net::TlsServerOptions{certificate.cert_file(), certificate.key_file()}},
                           [&](async::Shard&) -> net::HttpService& { return counter; });
  ASSERT_TRUE(upstream.bind().has_value());
  upstream.start();
  auto to_upstream = [&](const std::string& name, const std::string& host, const std::string& ca_file) {
    std::string url = "https://" + host + ":" + std::to_string(upstream.port()) + "/ingest";
    return FlowText{
        .name = name, .path = "/" + name, .sink = "{type: http, config: {url: '" + url + "', tls: {caFile: " + ca_file + "}}}"}
        .str();
  };
  TestServer server({{"good.yaml", to_upstream("good", "127.0.0.1", certificate.cert_file())},
                     {"stranger.yaml", to_upstream("stranger", "127.0.0.1", other.cert_file())},
                     {"misnamed.yaml", to_upstream("misnamed", "localhost", certificate.cert_file())}});
  ASSERT_EQ(server.error(), "");
  EXPECT_EQ(status_of(server.post("1", "/good")), 200);
  for (const auto& [path, why] : {std::pair("/stranger", "trusted"), {"/misnamed", "valid for the host"}}) {
    std::string answer = server.post("1", path);
    EXPECT_EQ(status_of(answer), 500);
    EXPECT_EQ(body_of(answer), std::string("SINK_DELIVERY_FAILED: tls: the certificate is not ") + why + "\n");
  }
  EXPECT_EQ(counter.calls.load(), 1);
}

}  // namespace
}  // namespace fiso::testing

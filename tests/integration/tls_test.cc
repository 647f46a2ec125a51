// A source that speaks TLS, and a sink whose certificate is verified.
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <functional>

#include "net/http_server.h"
#include "test_server.h"

namespace fiso::testing {
namespace {

// A key and a certificate that signs itself, for 127.0.0.1, in files of their own directory.
class Certificate {
 public:
  Certificate() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate, names, -1);
    X509_sign(certificate, key, EVP_sha256());
    write(key_file(), [&](FILE* file) { PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr); });
    write(cert_file(), [&](FILE* file) { PEM_write_X509(file, certificate); });
    X509_EXTENSION_free(names);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  std::string cert_file() const { return directory_.path() + "/cert.pem"; }
  std::string key_file() const { return directory_.path() + "/key.pem"; }
  std::string source_more() const { return ", tls: {certFile: " + cert_file() + ", keyFile: " + key_file() + "}"; }

 private:
  static void write(const std::string& path, const std::function<void(FILE*)>& content) {
    FILE* file = std::fopen(path.c_str(), "w");
    content(file);
    std::fclose(file);
  }
  ConfigDirectory directory_;
};

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
      FlowText{.source_more = certificate.source_more(), .guest = guest("enrich"), .sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  std::string answer = exchange_by_tls(server.port(), post_text("/ingest", R"({"a":1})"));
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_TRUE(receiver.request().ends_with(R"("data":{"wasm_enriched":true,"a":1}})"));
  RawClient clear(server.port());
  clear.send(post_text("/ingest", "{}"));
  EXPECT_EQ(clear.read_all().find("HTTP/"), std::string::npos);
  EXPECT_EQ(receiver.requests().size(), 1u);
}

TEST(TlsTest, ACertificateThatIsMissingStopsTheStart) {
  TestServer server(FlowText{.source_more = ", tls: {certFile: /no/cert.pem, keyFile: /no/key.pem}"});
  EXPECT_NE(server.error().find("/no/cert.pem"), std::string::npos) << server.error();
}

TEST(TlsTest, FlowsOnOneListenerAgreeOnTls) {
  Certificate certificate;
  TestServer server({{"a.yaml", FlowText{.name = "a", .path = "/a", .source_more = certificate.source_more()}.str()},
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
  for (std::string_view path : {"/stranger", "/misnamed"}) {
    std::string answer = server.post("1", path);
    EXPECT_EQ(status_of(answer), 500);
    EXPECT_EQ(body_of(answer), "SINK_DELIVERY_FAILED: tls: the certificate is not valid for the host\n");
  }
  EXPECT_EQ(counter.calls.load(), 1);
}

}  // namespace
}  // namespace fiso::testing

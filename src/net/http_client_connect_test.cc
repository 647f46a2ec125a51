// How a client finds a connection: names, several addresses, addresses that it may not connect to, TLS that changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <functional>

#include "async/testing/run_task.h"
#include "base/file_handle.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/testing/certificate.h"
#include "net/testing/dns_server.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::net {
namespace {

using testing::Certificate;
using testing::DnsAnswer;
using testing::DnsQuestion;
using testing::DnsServer;
using ::testing::HasSubstr;
using testing::response_text;
using testing::ScriptedUpstream;
using Conversation = ScriptedUpstream::Conversation;
using std::chrono::hours;

class ConnectTest : public ::testing::Test {
 protected:
  ConnectTest() : shards_(1), blocking_(2, 16) {}
  ~ConnectTest() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }

  void use(ClientOptions options) {
    shards_.run_on(0, [&](async::Shard& shard) { client_ = std::make_unique<HttpClient>(shard, blocking_, options); });
  }
  Result<ClientResponse> get() {
    ClientRequest request{.method = "GET", .target = "/"};
    return testing::run_task(shards_[0], [&] { return client_->send(request, std::chrono::steady_clock::now() + hours(1)); });
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<HttpClient> client_;
};

void answer_all(Conversation& c) {
  for (std::string request; !(request = c.read_request()).empty();) c.send(response_text(200, "here"));
}

// A name server that knows these addresses of every name.
DnsServer::Script all_have(std::vector<std::string> addresses) {
  return [addresses = std::move(addresses)](const DnsQuestion&) {
    DnsAnswer answer;
    for (const std::string& address : addresses) answer.records.push_back({.address = address});
    return answer;
  };
}

ClientOptions named(const DnsServer& dns, uint16_t port) {
  return {.origin = {Scheme::kHttp, "a.test", port, "/"}, .connect_timeout = hours(1), .name_servers = {dns.address()}};
}

// A port of 127.0.0.2, or another address, where connections are neither taken nor refused: its queue is full.
class BlackHole {
 public:
  explicit BlackHole(uint16_t port, uint32_t host = 2) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + host);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    good_ = ::bind(listener_.get(), raw, sizeof address) == 0 && ::listen(listener_.get(), 0) == 0;
    for (FileHandle& each : fill_) {
      each = FileHandle(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      (void)::connect(each.get(), raw, sizeof address);
    }
  }
  bool good() const { return good_; }

 private:
  FileHandle listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::array<FileHandle, 8> fill_;
  bool good_ = false;
};

// Takes connections on a port of 127.0.0.2, and says whether there were any.
class Listener {
 public:
  explicit Listener(uint16_t port) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    good_ = ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && ::listen(socket_.get(), 16) == 0;
  }
  bool good() const { return good_; }
  bool asked() { return bool(FileHandle(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC))); }

 private:
  FileHandle socket_{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  bool good_ = false;
};

TEST_F(ConnectTest, ANameIsLookedUpAndItsHostFieldStays) {
  std::string asked;
  ScriptedUpstream upstream([&](Conversation& c) {
    asked = c.read_request();
    c.send(response_text(200, "here"));
  });
  DnsServer dns(all_have({"127.0.0.1"}));
  use(named(dns, upstream.port()));
  auto answer = get();
  ASSERT_TRUE(answer.has_value()) << answer.error().describe();
  EXPECT_EQ(answer->body, "here");
  EXPECT_THAT(asked, HasSubstr("Host: a.test:" + std::to_string(upstream.port())));
}

TEST_F(ConnectTest, AnAddressThatRefusesIsFollowedByTheNext) {
  ScriptedUpstream upstream(answer_all);
  DnsServer dns(all_have({"127.0.0.2", "127.0.0.3", "127.0.0.1"}));
  use(named(dns, upstream.port()));
  auto answer = get();
  ASSERT_TRUE(answer.has_value()) << answer.error().describe();
}

TEST_F(ConnectTest, AnAddressThatSwallowsPacketsIsFollowedByTheNextLongBeforeItsTimeIsOver) {
  ScriptedUpstream upstream(answer_all);
  BlackHole hole(upstream.port());
  ASSERT_TRUE(hole.good());
  DnsServer dns(all_have({"127.0.0.2", "127.0.0.1"}));
  use(named(dns, upstream.port()));  // an equal share of whose connect timeout would be half an hour
  auto answer = get();
  ASSERT_TRUE(answer.has_value()) << answer.error().describe();
}

TEST_F(ConnectTest, WhereNoAddressAnswersTheTimeEndsIt) {
  ScriptedUpstream upstream(answer_all);
  BlackHole hole(upstream.port());
  DnsServer dns(all_have({"127.0.0.2"}));
  ClientOptions options = named(dns, upstream.port());
  options.connect_timeout = std::chrono::milliseconds(50);
  use(options);
  auto answer = get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kTimeout);
  EXPECT_THAT(answer.error().describe(), HasSubstr("connect 127.0.0.2:"));
}

TEST_F(ConnectTest, WhereAllRefuseTheErrorSaysSo) {
  uint16_t port = ScriptedUpstream(answer_all).port();
  DnsServer dns(all_have({"127.0.0.2", "127.0.0.1"}));
  use(named(dns, port));
  auto answer = get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().message(), "connection refused");
  EXPECT_EQ(answer.error().code(), ErrorCode::kUnavailable);
}

TEST_F(ConnectTest, AddressesThatMayNotBeConnectedToAreLeftOut) {
  ScriptedUpstream upstream(answer_all);
  AddressRules rules(AddressRules::Private::kRefused, {*AddressBlock::parse("127.0.0.1")});
  DnsServer dns(all_have({"169.254.169.254", "127.0.0.2", "127.0.0.1"}));
  Listener refused(upstream.port());
  ASSERT_TRUE(refused.good());
  ClientOptions options = named(dns, upstream.port());
  options.addresses = &rules;
  use(options);
  EXPECT_TRUE(get().has_value());
  EXPECT_FALSE(refused.asked());
}

TEST_F(ConnectTest, ANameWithoutAnAddressThatMayBeConnectedToIsRejected) {
  ScriptedUpstream upstream(answer_all);
  AddressRules rules(AddressRules::Private::kRefused, {});
  DnsServer dns(all_have({"127.0.0.1", "::1", "::ffff:127.0.0.1"}));
  ClientOptions options = named(dns, upstream.port());
  options.addresses = &rules;
  use(options);
  auto answer = get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code(), ErrorCode::kRejected);
  EXPECT_EQ(answer.error().message(), "address not allowed");
  EXPECT_THAT(answer.error().describe(), HasSubstr("a.test"));
  EXPECT_THAT(answer.error().describe(), HasSubstr("is a loopback address"));
  EXPECT_EQ(upstream.connections(), 0);
}

TEST_F(ConnectTest, AnAddressInPlaceOfANameIsJudgedAsWell) {
  AddressRules rules;
  use({.origin = {Scheme::kHttp, "169.254.169.254", 80, "/"}, .addresses = &rules});
  auto answer = get();
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().describe(), HasSubstr("169.254.169.254 is a link-local address: address not allowed"));
}

class Hello final : public HttpService {
 public:
  Task<HttpResponse> call(HttpRequest&) override {
    when_asked();
    co_return HttpResponse{200, {}, "hello"};
  }
  std::function<void()> when_asked = [] {};  // on the shard
};

class ConnectTlsTest : public ConnectTest {
 protected:
  void serve(const Certificate& certificate) {
    server_ = std::make_unique<HttpServer>(
        shards_, ServerOptions{"127.0.0.1:0", {}, TlsServerOptions{certificate.cert_file(), certificate.key_file()}},
        [this](async::Shard&) -> HttpService& { return hello_; });
    ASSERT_TRUE(server_->bind().has_value());
    server_->start();
  }
  ClientOptions options(const TlsClientOptions& tls) {
    return {.origin = {Scheme::kHttps, "127.0.0.1", server_->port(), "/"}, .tls = *make_tls_client_context(tls)};
  }

  Hello hello_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ConnectTlsTest, AnotherNameThanTheHostsCanBeVerified) {
  Certificate certificate("DNS:inner.test");
  serve(certificate);
  ClientOptions named = options({.ca_file = certificate.cert_file()});
  use(named);
  EXPECT_FALSE(get().has_value());
  named.tls_name = "inner.test";
  use(named);
  EXPECT_TRUE(get().has_value());
}

TEST_F(ConnectTlsTest, WhatIsNotVerifiedMayBeAnybody) {
  Certificate certificate("DNS:somebody.else");
  serve(certificate);
  use(options({}));
  EXPECT_FALSE(get().has_value());
  use(options({.verify = TlsClientOptions::Verify::kNothing}));
  EXPECT_TRUE(get().has_value());
}

// What those before it have used up is not taken off its share.
TEST_F(ConnectTlsTest, AnAddressBehindManyThatSwallowPacketsHasTimeForItsHandshake) {
  Certificate certificate("DNS:a.test");
  serve(certificate);
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<BlackHole>> holes;
  for (uint32_t host = 2; host < 10; ++host) {
    addresses.push_back("127.0.0." + std::to_string(host));
    holes.push_back(std::make_unique<BlackHole>(server_->port(), host));
    ASSERT_TRUE(holes.back()->good());
  }
  addresses.push_back("127.0.0.1");
  DnsServer dns(all_have(addresses));
  ClientOptions tls = options({.ca_file = certificate.cert_file()});
  tls.origin.host = "a.test";
  tls.name_servers = {dns.address()};
  tls.connect_timeout = std::chrono::seconds(16);  // a ninth of it is less than the eight take before the next one is tried
  use(tls);
  auto answer = get();
  ASSERT_TRUE(answer.has_value()) << answer.error().describe();
}

TEST_F(ConnectTlsTest, OtherCertificatesCountForTheNextRequest) {
  Certificate certificate, other;
  serve(certificate);
  use(options({.ca_file = certificate.cert_file()}));
  ASSERT_TRUE(get().has_value());
  EXPECT_EQ(server_->stats().accepted, 1u);
  shards_.run_on(0, [&](async::Shard&) { client_->set_tls(*make_tls_client_context({.ca_file = other.cert_file()})); });
  EXPECT_FALSE(get().has_value());  // although a connection was kept
  shards_.run_on(0, [&](async::Shard&) { client_->set_tls(*make_tls_client_context({.ca_file = certificate.cert_file()})); });
  EXPECT_TRUE(get().has_value());
}

TEST_F(ConnectTlsTest, AConnectionInUseIsNotKeptAfterTheCertificatesHaveChanged) {
  Certificate certificate;
  serve(certificate);
  use(options({.ca_file = certificate.cert_file()}));
  hello_.when_asked = [&] { client_->set_tls(*make_tls_client_context({.ca_file = certificate.cert_file()})); };
  ASSERT_TRUE(get().has_value());
  ASSERT_TRUE(get().has_value());
  EXPECT_EQ(server_->stats().accepted, 2u);
}

}  // namespace
}  // namespace fiso::net

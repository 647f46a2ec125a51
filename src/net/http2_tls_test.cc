// Which protocol two sides agree upon by ALPN, and what is sent over it.
#include <gtest/gtest.h>

#include <thread>

#include "net/testing/certificate.h"
#include "net/testing/http2_fixture.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using testing::Certificate;
using testing::Http2Echo;
using testing::Http2Peer;
using testing::RawClient;

class Http2Tls : public testing::RelayFixture {
 protected:
  Http2Tls() {
    shards_.run_on(0, [&](async::Shard& shard) { echo_ = std::make_unique<Http2Echo>(shard); });
    echo_->streams = true;
    target_ = std::make_unique<HttpServer>(
        shards_, ServerOptions{"127.0.0.1:0", {}, {{certificate_.cert_file(), certificate_.key_file()}}},
        [this](async::Shard&) -> HttpService& { return *echo_; });
    EXPECT_TRUE(target_->bind().has_value());
    target_->start();
  }
  ~Http2Tls() override {
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
    target_.reset();
    shards_.run_on(0, [&](async::Shard&) { echo_.reset(); });
  }
  uint16_t relay_speaking(Speaks speaks) { return relay_speaking(speaks, target_->port()); }
  uint16_t relay_speaking(Speaks speaks, uint16_t target) {
    ClientOptions options = testing::target_on(target);
    options.origin.scheme = Scheme::kHttps;
    options.tls = *make_tls_client_context({certificate_.cert_file()});
    options.speaks = speaks;
    return relay_to(std::move(options));
  }
  // All of them at the target at a time; how many connections that took.
  uint64_t ask_twenty(uint16_t port) {
    RawClient socket(port);
    Http2Peer client(socket);
    EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "first")).body, "first");
    std::vector<int32_t> streams;
    for (int i = 0; i < 20; ++i) streams.push_back(client.ask("POST", "/wait", std::to_string(i)));
    while (echo_->handling.load() < 20) std::this_thread::yield();
    shards_.run_on(0, [&](async::Shard&) { echo_->go(); });
    for (int i = 0; i < 20; ++i) EXPECT_EQ(client.wait_closed(streams[static_cast<size_t>(i)]).body, std::to_string(i));
    return target_->stats().accepted;
  }

  Certificate certificate_;
  std::unique_ptr<Http2Echo> echo_;
  std::unique_ptr<HttpServer> target_;
};

TEST_F(Http2Tls, WhereBothSpeakHttp2RequestsShareAConnection) {
  EXPECT_EQ(ask_twenty(relay_speaking(Speaks::kHttp1OrHttp2)), 1u);
}

TEST_F(Http2Tls, ATargetThatHasToSpeakHttp2IsAskedOverIt) { EXPECT_EQ(ask_twenty(relay_speaking(Speaks::kHttp2)), 1u); }

TEST_F(Http2Tls, WhoDoesNotOfferHttp2IsServedHttp1) { EXPECT_GE(ask_twenty(relay_speaking(Speaks::kHttp1)), 20u); }

TEST_F(Http2Tls, AnUpgradeIsAskedForOverHttp1) {
  uint16_t port = relay_speaking(Speaks::kHttp1OrHttp2);
  RawClient client(port);
  client.send(testing::kGet);
  EXPECT_NE(client.read_until("0\r\n\r\n").find(" 200 "), std::string::npos);
  EXPECT_EQ(target_->stats().accepted, 1u);
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n").find(" 200 "), std::string::npos);
  EXPECT_EQ(target_->stats().accepted, 2u);
}

TEST_F(Http2Tls, LargeBodiesPassBothWays) {
  RawClient socket(relay_speaking(Speaks::kHttp1OrHttp2));
  Http2Peer client(socket);
  std::string body(5 << 20, 'b');
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", body)).body, body);
}

TEST_F(Http2Tls, AConnectionThatWasBegunWithOtherCertificatesCarriesNoRequests) {
  testing::ScriptedUpstream front([&](testing::Conversation& c) {
    std::string hello = c.read_some();
    auto renew = [&](async::Shard&) { service_->set_tls(*make_tls_client_context({certificate_.cert_file()})); };
    if (c.number() == 0) shards_.run_on(0, renew);
    RawClient target(target_->port());
    target.send(hello);
    std::thread back([&] {
      for (std::string bytes; !(bytes = target.read_some()).empty();) c.send(bytes);
    });
    for (std::string bytes; !(bytes = c.read_some()).empty();) target.send(bytes);
    target.finish_sending();
    back.join();
  });
  RawClient socket(relay_speaking(Speaks::kHttp1OrHttp2, front.port()));
  Http2Peer client(socket);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x")).body, "x");
  EXPECT_EQ(front.connections(), 2);
}

}  // namespace
}  // namespace fiso::net

// What becomes of requests over HTTP/2 while a connection to their target is being made.
#include <gtest/gtest.h>

#include "net/testing/certificate.h"
#include "net/testing/http2_peer.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using testing::Certificate;
using testing::Conversation;
using testing::Http2Peer;
using testing::RawClient;
using testing::ScriptedUpstream;
using testing::TlsConversation;

// A target over TLS, whose handshakes are the test's to let happen, behind a relay.
class Http2Reconnect : public testing::RelayFixture {
 protected:
  uint16_t relay_over_tls(uint16_t target, Speaks speaks = Speaks::kHttp2) {
    ClientOptions client = testing::target_on(target);
    client.origin.scheme = Scheme::kHttps;
    client.tls = *make_tls_client_context({certificate_.cert_file()});
    client.speaks = speaks;
    return relay_to(std::move(client));
  }
  static void until(const std::atomic<bool>& is_so) {
    while (!is_so.load()) std::this_thread::yield();
  }
  // The first connection takes a head and leaves it out of what it has done; `next` is what the second one is for.
  ScriptedUpstream::Script leaving_out(std::function<void(Conversation&)> next) {
    return [this, next = std::move(next)](Conversation& c) {
      if (c.number() > 0) return next(c);
      TlsConversation tls(c, certificate_);
      ASSERT_TRUE(tls.shake_hands());
      Http2Peer peer(tls);
      peer.until([&] { return peer.at(1).head_here; });
      peer.go_away(0);
      peer.until([] { return false; });
    };
  }
  // All of a request's body comes while the second connection is being made.
  void send_meanwhile(Http2Peer& caller, int32_t stream) {
    until(reconnecting_);
    caller.write(stream, "body");
    caller.end(stream, {{"x-sum", "1"}});
    // The server has dealt with it when it answers what came later.
    EXPECT_EQ(caller.wait_closed(caller.ask("GET", "/", "", {{":path", "/no#path"}})).status(), 400);
    go_ = true;
  }

  Certificate certificate_;
  std::atomic<bool> reconnecting_{false}, go_{false};
};

TEST_F(Http2Reconnect, ABodyThatComesMeanwhileGoesToTheNewConnection) {
  ScriptedUpstream target(leaving_out([this](Conversation& c) {
    reconnecting_ = true;
    until(go_);
    TlsConversation tls(c, certificate_);
    ASSERT_TRUE(tls.shake_hands());
    Http2Peer peer(tls);
    int32_t stream = peer.next_request();
    EXPECT_EQ(peer.at(stream).trailers.find("x-sum"), "1");
    peer.answer(stream, 200, peer.at(stream).body);
    peer.until([] { return false; });
  }));
  RawClient socket(relay_over_tls(target.port()));
  Http2Peer caller(socket);
  int32_t stream = caller.begin("POST", "/", {{"te", "trailers"}});
  send_meanwhile(caller, stream);
  auto& answer = caller.wait_closed(stream);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.body, "body");
}

TEST_F(Http2Reconnect, ABodyThatComesMeanwhileGoesToAConnectionOfHttp1) {
  ScriptedUpstream target(leaving_out([this](Conversation& c) {
    reconnecting_ = true;
    until(go_);
    TlsConversation tls(c, certificate_, TlsConversation::Speaks::kHttp1);
    ASSERT_TRUE(tls.shake_hands());
    std::string request = tls.read_until("\r\n0\r\nx-sum: 1\r\n\r\n");
    EXPECT_NE(request.find("\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 1\r\n\r\n"), std::string::npos) << request;
    tls.send(testing::response_text(200, "taken"));
    tls.read_some();
  }));
  RawClient socket(relay_over_tls(target.port(), Speaks::kHttp1OrHttp2));
  Http2Peer caller(socket);
  int32_t stream = caller.begin("POST", "/", {{"te", "trailers"}});
  send_meanwhile(caller, stream);
  EXPECT_EQ(caller.wait_closed(stream).body, "taken");
}

TEST_F(Http2Reconnect, ABodyThatComesMeanwhileIsDroppedWhereNoConnectionComesAbout) {
  ScriptedUpstream target(leaving_out([this](Conversation& c) {
    reconnecting_ = true;
    until(go_);
    c.reset();
  }));
  RawClient socket(relay_over_tls(target.port()));
  Http2Peer caller(socket);
  int32_t stream = caller.begin("POST", "/");
  send_meanwhile(caller, stream);
  EXPECT_EQ(caller.wait_closed(stream).status(), 502);
}

TEST_F(Http2Reconnect, ACallerThatLeavesMeanwhileLeavesNothingBehind) {
  ScriptedUpstream target(leaving_out([this](Conversation& c) {
    reconnecting_ = true;
    until(go_);
    TlsConversation tls(c, certificate_);
    if (tls.shake_hands()) tls.read_some();
  }));
  RawClient socket(relay_over_tls(target.port()));
  Http2Peer caller(socket);
  int32_t stream = caller.begin("POST", "/");
  until(reconnecting_);
  caller.write(stream, "body");
  caller.reset(stream, NGHTTP2_CANCEL);
  EXPECT_EQ(caller.wait_closed(caller.ask("GET", "/", "", {{":path", "/no#path"}})).status(), 400);
  go_ = true;
  until_failed(1);
}

}  // namespace
}  // namespace fiso::net

#include "net/http2_client.h"

#include <gtest/gtest.h>

#include "net/testing/http2_peer.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::seconds;
using testing::body_of;
using testing::Conversation;
using testing::Http2Peer;
using testing::RawClient;
using testing::ScriptedUpstream;
using testing::status_of;

// A target that speaks HTTP/2, known to do so, behind a relay that speaks both.
class Http2ClientTest : public testing::RelayFixture {
 protected:
  uint16_t relay_to_http2(uint16_t target, RelayOptions options = {}, ServerLimits limits = {}) {
    ClientOptions client = testing::target_on(target);
    client.speaks = Speaks::kHttp2;
    return relay_to(std::move(client), options, limits);
  }
};

void answer_requests(Http2Peer& peer) {
  while (int32_t stream = peer.next_request()) {
    auto& asked = peer.at(stream);
    peer.answer(stream, 200, std::string(asked.headers.find(":path").value_or("")) + " " + asked.body);
  }
}
void serve_all(Conversation& c) {
  Http2Peer peer(c);
  answer_requests(peer);
}

TEST_F(Http2ClientTest, RequestsShareOneConnection) {
  ScriptedUpstream target(serve_all);
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  std::vector<int32_t> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(client.ask("POST", "/" + std::to_string(i), "b"));
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(client.wait_closed(streams[static_cast<size_t>(i)]).body, "/" + std::to_string(i) + " b");
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(Http2ClientTest, ACallerOfHttp1IsServedOverIt) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      auto& asked = peer.at(stream).headers;
      EXPECT_EQ(asked.find(":method"), "POST");
      EXPECT_EQ(asked.find(":scheme"), "http");
      EXPECT_EQ(asked.find(":authority"), "x");
      EXPECT_EQ(asked.find("content-length"), "2");
      EXPECT_FALSE(asked.contains("connection") || asked.contains("host"));
      peer.answer(stream, 201, peer.at(stream).body, {{"x-a", "b"}});
    }
  });
  RawClient client(relay_to_http2(target.port()));
  std::string answer = client.exchange("POST /p?q HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(status_of(answer), 201);
  EXPECT_NE(answer.find("x-a: b"), std::string::npos) << answer;
  EXPECT_NE(client.read_until("0\r\n\r\n").find("hi"), std::string::npos);
}

TEST_F(Http2ClientTest, TrailersPassBothWays) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      EXPECT_EQ(peer.at(stream).trailers.find("x-up"), "1");
      peer.answer(stream, 200, "body", {}, {{"grpc-status", "5"}});
    }
  });
  uint16_t port = relay_to_http2(target.port());
  RawClient socket(port);
  Http2Peer client(socket);
  auto& answer = client.wait_closed(client.ask("POST", "/", "x", {{"te", "trailers"}}, {{"x-up", "1"}}));
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(answer.trailers.find("grpc-status"), "5");
  RawClient old(port);
  old.send(
      "POST / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Up: "
      "1\r\n\r\n");
  EXPECT_NE(old.read_until("\r\n0\r\ngrpc-status: 5\r\n\r\n").find("200 OK"), std::string::npos);
}

TEST_F(Http2ClientTest, AnAnswerOfHeadersAloneStaysOne) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) peer.answer(stream, 200, "", {{"grpc-status", "7"}});
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  auto& answer = client.wait_closed(client.ask("POST", "/", "x"));
  EXPECT_EQ(answer.headers.find("grpc-status"), "7");
  EXPECT_TRUE(answer.trailers.empty());
}

TEST_F(Http2ClientTest, LargeBodiesPassBothWays) {
  ScriptedUpstream target(serve_all);
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  std::string body(5 << 20, 'b');
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", body)).body, "/ " + body);
}

TEST_F(Http2ClientTest, BothSidesMayTalkAtTheSameTime) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    peer.until([&] { return peer.at(1).head_here; });
    peer.begin_answer(1, 200);
    for (std::string_view piece : {"one", "two"}) {
      peer.until([&] { return peer.at(1).body.ends_with(piece); });
      peer.write(1, piece);
    }
    peer.until([&] { return peer.at(1).ended; });
    peer.end(1);
    c.wait_for_close();
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/");
  for (std::string_view piece : {"one", "two"}) {
    client.write(stream, piece);
    ASSERT_TRUE(client.until([&] { return client.at(stream).body.ends_with(piece); }));
  }
  client.end(stream);
  EXPECT_EQ(client.wait_closed(stream).body, "onetwo");
}

TEST_F(Http2ClientTest, ARefusedRequestIsSentAgainWhateverItsMethod) {
  std::atomic<int> asked{0};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      if (asked++ == 0)
        peer.reset(stream, NGHTTP2_REFUSED_STREAM);
      else
        peer.answer(stream, 200, "done");
    }
  });
  RawClient client(relay_to_http2(target.port()));
  std::string answer = client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(asked.load(), 2);
}

TEST_F(Http2ClientTest, ATargetThatRefusesForEverIsNotAskedForEver) {
  std::atomic<int> asked{0};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      ++asked;
      peer.reset(stream, NGHTTP2_REFUSED_STREAM);
    }
  });
  RawClient client(relay_to_http2(target.port()));
  EXPECT_EQ(status_of(client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")), 502);
  EXPECT_EQ(asked.load(), 4);
}

TEST_F(Http2ClientTest, AnAbandonedRequestOfNoKnownEffectIsNotSentAgain) {
  std::atomic<int> asked{0};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      ++asked;
      peer.reset(stream, NGHTTP2_INTERNAL_ERROR);
    }
  });
  RawClient client(relay_to_http2(target.port()));
  EXPECT_EQ(status_of(client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")), 502);
  EXPECT_EQ(status_of(client.exchange(testing::kGet)), 502);
  EXPECT_EQ(asked.load(), 2);
}

// Of a connection that had been used before, which the target may have closed without having read it.
TEST_F(Http2ClientTest, ARequestOnAConnectionThatEndsIsSentAgainOnceIfItMayBe) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    if (int32_t first = peer.next_request()) peer.answer(first, 200, "x", {{"content-length", "1"}});
    peer.next_request();
  });
  RawClient client(relay_to_http2(target.port()));
  EXPECT_EQ(status_of(client.exchange(testing::kGet)), 200);
  EXPECT_EQ(status_of(client.exchange(testing::kGet)), 200);
  EXPECT_EQ(target.connections(), 2);
  EXPECT_EQ(status_of(client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")), 502);
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(Http2ClientTest, AfterAGoodbyeRequestsGoToAnotherConnection) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    int32_t first = peer.next_request();
    if (first == 0) return;
    peer.go_away(first);
    peer.answer(first, 200, "last of this one");
    peer.until([] { return false; });
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x")).status(), 200);
    EXPECT_EQ(target.connections(), i);
  }
}

TEST_F(Http2ClientTest, NoMoreStreamsThanTheTargetTakes) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    nghttp2_settings_entry one{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1};
    nghttp2_submit_settings(peer.raw(), NGHTTP2_FLAG_NONE, &one, 1);
    peer.flush();
    answer_requests(peer);
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x")).status(), 200);
  int32_t held = client.begin("POST", "/held");
  client.write(held, "x");
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/other", "x")).status(), 200);
  client.end(held);
  EXPECT_EQ(client.wait_closed(held).status(), 200);
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(Http2ClientTest, ALateAnswerCostsItsStreamAndTheConnectionGoesOn) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      if (peer.at(stream).headers.find(":path") == "/late") continue;
      peer.answer(stream, 200, "in time");
    }
  });
  RelayOptions options;
  options.timeout = seconds(1);
  RawClient socket(relay_to_http2(target.port(), options));
  Http2Peer client(socket);
  int32_t late = client.ask("GET", "/late");
  while (!client.at(late).closed) EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
  EXPECT_EQ(client.at(late).status(), 504);
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(Http2ClientTest, AConnectionOnWhichNothingIsHeardIsNotUsedAgain) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    if (c.number() > 0) return answer_requests(peer);
    peer.next_request();
    c.wait_for_close();
  });
  RelayOptions options;
  options.timeout = seconds(1);
  RawClient socket(relay_to_http2(target.port(), options));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 504);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
}

TEST_F(Http2ClientTest, AClientThatLeavesHasItsStreamReset) {
  std::atomic<bool> asked{false}, reset{false};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    int32_t stream = peer.next_request();
    asked = true;
    reset = peer.until([&] { return peer.at(stream).closed; });
    EXPECT_EQ(peer.at(stream).error, static_cast<uint32_t>(NGHTTP2_CANCEL));
    answer_requests(peer);
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  int32_t stream = client.ask("GET", "/");
  while (!asked.load()) std::this_thread::yield();
  client.reset(stream, NGHTTP2_CANCEL);
  while (!reset.load()) std::this_thread::yield();
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/next")).status(), 200);
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(Http2ClientTest, InterimAnswersPass) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      peer.submit_fields(stream, {{":status", "103"}, {"link", "</a>"}});
      peer.answer(stream, 200, "x");
    }
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).statuses, (std::vector<int>{103, 200}));
}

TEST_F(Http2ClientTest, WhatTheTargetDoesWrongIsABadGateway) {
  for (Http2Peer::Fields bad : {Http2Peer::Fields{{"connection", "close"}}, {{"content-length", "99"}}, {{"X-Upper", "1"}}}) {
    ScriptedUpstream target([&](Conversation& c) {
      Http2Peer peer(c);
      while (int32_t stream = peer.next_request()) {
        if (bad[0].first == "X-Upper")
          c.send(std::string("\0\0\1\1\4\0\0\0\1\xff", 10));  // no HPACK
        else
          peer.answer(stream, 200, "x", bad);
      }
    });
    RawClient socket(relay_to_http2(target.port()));
    Http2Peer client(socket);
    auto& answer = client.wait_closed(client.ask("POST", "/", "x"));
    EXPECT_TRUE(answer.status() == 502 || answer.error != 0) << bad[0].first << " " << answer.status();
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
}

TEST_F(Http2ClientTest, AStatusThatIsNoneIsABadGateway) {
  for (std::string status : {"000", "042", "099", "101", "600", "999"}) {
    ScriptedUpstream target([&](Conversation& c) {
      Http2Peer peer(c);
      while (int32_t stream = peer.next_request()) peer.submit_fields(stream, {{":status", status}});
    });
    RawClient client(relay_to_http2(target.port()));
    EXPECT_EQ(status_of(client.exchange(testing::kGet)), 502) << status;
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
}

TEST_F(Http2ClientTest, AnAnswerWhoseTrailersAreBrokenBreaksOff) {
  ScriptedUpstream target([](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      bool large = peer.at(stream).headers.find(":path") == "/large";
      peer.answer(stream, 200, "body", {}, {{"x-sum", large ? std::string(70'000, 'x') : std::string("a\x01")}});
    }
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  for (std::string_view path : {"/bad", "/large"}) {
    auto& answer = client.wait_closed(client.ask("GET", path));
    EXPECT_TRUE(answer.status() == 502 || answer.error != 0) << path;
  }
}

// Each of them is of one request.
TEST_F(Http2ClientTest, ResetsWithoutEndCostNoOtherRequest) {
  std::atomic<int32_t> held{0};
  ScriptedUpstream target([&](Conversation& c) {
    Http2Peer peer(c);
    while (int32_t stream = peer.next_request()) {
      std::optional<std::string_view> path = peer.at(stream).headers.find(":path");
      if (path == "/held") held = stream;
      if (path == "/refused") peer.reset(stream, NGHTTP2_REFUSED_STREAM);
      if (path == "/go") {
        peer.answer(held, 200, "held");
        peer.answer(stream, 200, "go");
      }
    }
  });
  RawClient socket(relay_to_http2(target.port()));
  Http2Peer client(socket);
  int32_t first = client.ask("GET", "/held");
  for (int round = 0; round < 10; ++round) {
    std::vector<int32_t> refused;
    for (int i = 0; i < 50; ++i) refused.push_back(client.ask("GET", "/refused"));
    for (int32_t stream : refused) EXPECT_EQ(client.wait_closed(stream).status(), 502);
  }
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/go")).body, "go");
  EXPECT_EQ(client.wait_closed(first).body, "held");
  EXPECT_EQ(target.connections(), 1);
}

// Its sender may pause as long as the call's time allows.
TEST_F(Http2ClientTest, TheBodyOfACallOfGrpcMayPause) {
  ScriptedUpstream target(serve_all);
  ServerLimits limits;
  limits.body_timeout = std::chrono::milliseconds(60);
  RawClient socket(relay_to_http2(target.port(), {}, limits));
  Http2Peer client(socket);
  int32_t grpc = client.begin("POST", "/grpc", {{"content-type", "application/grpc"}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.wait_closed(client.begin("POST", "/")).status(), 408);  // which came later
  client.write(grpc, "message");
  client.end(grpc);
  EXPECT_EQ(client.wait_closed(grpc).body, "/grpc message");
}

TEST_F(Http2ClientTest, ACallOfGrpcWhoseBodyPausesEndsWithItsTime) {
  ScriptedUpstream target(serve_all);
  RelayOptions options;
  options.timeout = std::chrono::milliseconds(200);
  RawClient socket(relay_to_http2(target.port(), options));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.begin("POST", "/", {{"content-type", "application/grpc"}})).status(), 504);
}

TEST_F(Http2ClientTest, ATargetThatSpeaksHttp1IsABadGateway) {
  ScriptedUpstream target(testing::answer_all);
  RawClient client(relay_to_http2(target.port()));
  EXPECT_EQ(status_of(client.exchange(testing::kGet)), 502);
}

}  // namespace
}  // namespace fiso::net

#include <gtest/gtest.h>

#include <thread>

#include "net/relay.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace testing;  // NOLINT

class RelayFailureTest : public RelayFixture {};

TEST_F(RelayFailureTest, ATargetThatCannotBeReachedIsAnsweredWithoutAskingForTheBody) {
  uint16_t port = 0;
  { port = ScriptedUpstream(answer_all).port(); }
  RawClient client(relay_to(port));
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  std::string all = client.read_response();
  EXPECT_EQ(status_of(all), 502);
  EXPECT_NE(all.find("Connection: close"), std::string::npos);
  EXPECT_EQ(body_of(all), "connection refused\n");
}

TEST_F(RelayFailureTest, WhatCouldNotGoOutGoesToAnotherTargetOnceThereIsOne) {
  uint16_t nobody = 0;
  { nobody = ScriptedUpstream(answer_all).port(); }
  ScriptedUpstream target(answer_all);
  uint16_t port = relay_to(nobody);
  std::vector<std::unique_ptr<HttpClient>> others;
  shards_.run_on(0, [&](async::Shard& shard) {
    for (uint16_t other : {nobody, target.port()})
      others.push_back(std::make_unique<HttpClient>(shard, blocking_, target_on(other)));
    for (const auto& other : others) service_->instead.push_back(other.get());
  });
  RawClient client(port);
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  client.send("llo");
  std::string all = client.read_response();
  EXPECT_EQ(status_of(all), 200);
  EXPECT_TRUE(body_of(all).ends_with("\r\n\r\nhello")) << all;
  EXPECT_EQ(all.find("X-Forwarded-For: 127.0.0.1, "), std::string::npos) << "it is one hop";
  EXPECT_EQ(target.connections(), 1);
  server_.reset();
  shards_.run_on(0, [&](async::Shard&) { others.clear(); });
}

TEST_F(RelayFailureTest, AnEarlyAnswerEndsTheBodysWayToTheTarget) {
  ScriptedUpstream target([](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send(response_text(413, "no"));
    c.wait_for_close();
  });
  RawClient client(relay_to(target.port()));
  client.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nabc");
  EXPECT_EQ(status_of(client.read_response()), 413);
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(idle(), 0u);
}

TEST_F(RelayFailureTest, AfterAnEarlyAnswerTheShortRestOfABodyIsPassedOver) {
  ScriptedUpstream target([](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send(response_text(200, "early"));
    c.wait_for_close();
  });
  RawClient client(relay_to(target.port()));
  client.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na");
  EXPECT_EQ(body_of(client.read_response()), "early");
  client.send("bc");
  EXPECT_EQ(body_of(client.exchange(kGet)), "early");
  EXPECT_EQ(target.connections(), 2);
}

TEST_F(RelayFailureTest, AnAnswerThatIsCutOffIsNotMadeToLookComplete) {
  auto cut_after = [](std::string bytes) {
    return [bytes](Conversation& c) {
      c.read_request();
      c.send(bytes);
    };
  };
  ScriptedUpstream chunked(cut_after("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
  ScriptedUpstream known(cut_after("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
  for (ScriptedUpstream* target : {&chunked, &known}) {
    RawClient client(relay_to(target->port()));
    client.send(kGet);
    std::string body = body_of(client.read_all());
    EXPECT_TRUE(body == "3\r\nabc\r\n" || body == "abc") << body;
    until_failed(1);
    server_.reset();
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
  RawClient old(relay_to(chunked.port()));
  old.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(old.read_all().ends_with("<reset>"));
}

TEST_F(RelayFailureTest, WhenTheClientGoesTheTargetsConnectionIsClosed) {
  std::atomic<bool> asked{false}, closed{false};
  ScriptedUpstream target([&](Conversation& c) {
    c.read_until("\r\n\r\n");
    if (c.number() == 1) c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    asked = true;
    c.wait_for_close();
    closed = true;
  });
  uint16_t port = relay_to(target.port());
  for (int i = 0; i < 2; ++i) {  // before an answer, and in the middle of one
    asked = closed = false;
    RawClient client(port);
    client.send(kGet);
    if (i == 1) EXPECT_NE(client.read_until("data: 1\n\n").find("chunked"), std::string::npos);
    while (!asked.load()) std::this_thread::yield();
    client.close();
    while (!closed.load()) std::this_thread::yield();
    until_failed(i + 1);
  }
}

TEST_F(RelayFailureTest, AClientThatGoesInTheMiddleOfItsBodyCutsTheRequest) {
  std::atomic<bool> closed{false};
  std::string got;
  ScriptedUpstream target([&](Conversation& c) {
    got = c.read_until("never");
    closed = true;
  });
  RawClient client(relay_to(target.port()));
  client.send("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.close();
  while (!closed.load()) std::this_thread::yield();
  EXPECT_TRUE(got.ends_with("3\r\nabc\r\n") || got.empty()) << got;
}

TEST_F(RelayFailureTest, ABodyThatIsNoHttpIsRefusedAndNotPassedOnAsComplete) {
  std::string got;
  std::atomic<bool> closed{false};
  ScriptedUpstream target([&](Conversation& c) {
    got = c.read_until("never");
    closed = true;
  });
  RawClient client(relay_to(target.port()));
  client.send("PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("zz\r\n");
  EXPECT_EQ(status_of(client.read_all()), 400);
  if (target.connections() > 0)
    while (!closed.load()) std::this_thread::yield();
  EXPECT_FALSE(got.ends_with("0\r\n\r\n")) << got;
  EXPECT_EQ(server_->stats().bad_requests, 1u);
}

TEST_F(RelayFailureTest, ABodyThatDoesNotMoveOnIs408) {
  ScriptedUpstream target([](Conversation& c) { c.wait_for_close(); });
  ServerLimits limits;
  limits.body_timeout = milliseconds(100);
  RawClient client(relay_to(target.port(), {}, limits));
  client.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_EQ(status_of(client.read_all()), 408);
  EXPECT_EQ(server_->stats().timeouts, 1u);
}

TEST_F(RelayFailureTest, ATargetThatDoesNotAnswerIs504) {
  ScriptedUpstream target([](Conversation& c) { c.wait_for_close(); });
  RelayOptions options;
  options.timeout = milliseconds(100);
  RawClient client(relay_to(target.port(), options));
  EXPECT_EQ(status_of(client.exchange(kGet)), 504);
  EXPECT_EQ(status_of(client.exchange(kGet)), 504);  // on the same connection
}

TEST_F(RelayFailureTest, AnAnswerThatStopsMovingIsCut) {
  ScriptedUpstream target(answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
  RelayOptions options;
  options.idle_timeout = milliseconds(100);
  RawClient client(relay_to(target.port(), options));
  client.send(kGet);
  EXPECT_EQ(body_of(client.read_all()), "abc");
}

TEST_F(RelayFailureTest, ASlowClientHoldsTheTargetBack) {
  std::atomic<size_t> taken{0};
  std::atomic<bool> ended{false};
  ScriptedUpstream target([&](Conversation& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\n\r\n");
    for (std::string piece(kMega / 4, 'x'); c.send(piece);) taken += piece.size();
    ended = true;
  });
  ServerLimits limits;
  limits.write_timeout = milliseconds(200);
  RawClient client(relay_to(target.port(), {}, limits));
  client.send(kGet);  // and reads nothing
  while (!ended.load()) std::this_thread::yield();
  EXPECT_LT(taken.load(), 64 * kMega);
}

TEST_F(RelayFailureTest, ARequestWithoutEffectIsSentAgainWhenAKeptConnectionWasClosed) {
  ScriptedUpstream target([](Conversation& c) {
    c.read_request();
    c.send(response_text(200, std::to_string(c.number())));
    if (c.number() == 0) c.read_request();  // and closes without an answer
    if (c.number() > 0) c.wait_for_close();
  });
  RawClient client(relay_to(target.port()));
  EXPECT_EQ(body_of(client.exchange(kGet)), "0");
  EXPECT_EQ(body_of(client.exchange("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")), "1");
}

TEST_F(RelayFailureTest, ARequestThatMayHaveHadAnEffectIsNotSentAgain) {
  ScriptedUpstream target([](Conversation& c) {
    c.read_request();
    c.send(response_text(200, std::to_string(c.number())));
    c.read_request();
  });
  RawClient client(relay_to(target.port()));
  EXPECT_EQ(body_of(client.exchange(kGet)), "0");
  EXPECT_EQ(status_of(client.exchange("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na")), 502);
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(RelayFailureTest, ADrainWaitsForAnAnswerUnderWay) {
  std::atomic<bool> go{false};
  ScriptedUpstream target([&](Conversation& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    while (!go.load()) std::this_thread::yield();
    c.send("def");
    c.wait_for_close();
  });
  ServerLimits limits;
  limits.drain_grace = milliseconds(100);
  RawClient client(relay_to(target.port(), {}, limits));
  client.send(kGet);
  client.read_until("abc");
  server_->begin_drain();
  go = true;
  EXPECT_EQ(client.read_until("def"), "def");
  client.close();
  EXPECT_EQ(server_->wait_drained(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
}

}  // namespace
}  // namespace fiso::net

#include "net/relay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "base/testing/sanitizer.h"
#include "net/testing/relay_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace testing;  // NOLINT

class RelayTest : public RelayFixture {};

std::string unchunked(std::string_view body) {
  std::string all;
  for (;;) {
    size_t line = body.find("\r\n"), size = std::strtoul(std::string(body.substr(0, line)).c_str(), nullptr, 16);
    if (line == std::string_view::npos) return all + "<cut>";
    if (size == 0) return all;
    all.append(body.substr(line + 2, size));
    body.remove_prefix(std::min(body.size(), line + 2 + size + 2));
  }
}

TEST_F(RelayTest, ARequestPassesAsItWasSentButForTheFieldsThatEndHere) {
  ScriptedUpstream target(answer_all);
  RawClient client(relay_to(target.port()));
  std::string got = body_of(client.exchange(
      "POST /%2e./a%20b?q=%zz&r HTTP/1.1\r\nHost: caller.example:99\r\nX-A: 1\r\nConnection: keep-alive, X-Mine\r\nX-Mine: no\r\n"
      "Keep-Alive: 5\r\nProxy-Authorization: no\r\nTE: gzip, trailers\r\nTrailer: T\r\nX-Forwarded-For: 1.2.3.4\r\n"
      "X-Forwarded-Proto: lie\r\nX-a: 2\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(got,
            "POST /%2e./a%20b?q=%zz&r HTTP/1.1\r\nHost: caller.example:99\r\nX-A: 1\r\nX-a: 2\r\n"
            "X-Forwarded-For: 1.2.3.4, 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: caller.example:99\r\n"
            "Content-Length: 5\r\nTE: trailers\r\nConnection: TE\r\n\r\nhello");
}

TEST_F(RelayTest, WhatFollowsABodyPassesBothWaysIfItMayStandThere) {
  ScriptedUpstream target([](Conversation& c) {
    for (std::string head; !(head = c.read_until("\r\n\r\n")).empty();) {
      EXPECT_NE(head.find("\r\nTrailer: X-Up\r\n"), std::string::npos) << head;
      EXPECT_EQ(c.read_until("0\r\n"), "1\r\nx\r\n0\r\n");
      EXPECT_EQ(c.read_until("\r\n\r\n"), "X-Up: 1\r\n\r\n");
      c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\ny\r\n0\r\nX-Down: 2\r\nAuthorization: no\r\n\r\n");
    }
  });
  uint16_t port = relay_to(target.port());
  RawClient client(port);
  constexpr std::string_view kBody = "1\r\nx\r\n0\r\nX-Up: 1\r\nHost: other\r\n\r\n";
  std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Up\r\n";
  client.send(head + "TE: trailers\r\n\r\n" + std::string(kBody));
  EXPECT_TRUE(client.read_until("\r\n0\r\nX-Down: 2\r\n\r\n").ends_with("1\r\ny\r\n0\r\nX-Down: 2\r\n\r\n"));
  client.send(head + "\r\n" + std::string(kBody));  // whoever does not say so is not given any
  EXPECT_TRUE(client.read_until("\r\n0\r\n\r\n").ends_with("1\r\ny\r\n0\r\n\r\n"));
  client.send(head + "TE: trailers\r\n\r\n" + std::string(kBody.substr(0, 6)));  // the trailer comes later than the rest
  client.send(kBody.substr(6));
  EXPECT_TRUE(client.read_until("X-Down: 2\r\n\r\n").ends_with("\r\n0\r\nX-Down: 2\r\n\r\n"));
}

TEST_F(RelayTest, ATargetsConnectionIsKeptNoLongerThanItSays) {
  for (auto [value, kept] : {std::pair("timeout=1", 0u), std::pair("timeout=60, max=5", 1u)}) {
    ScriptedUpstream target(answering(std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: ") + value + "\r\n\r\n"));
    RawClient client(relay_to(target.port()));
    EXPECT_EQ(status_of(client.exchange(kGet)), 200);
    EXPECT_EQ(status_of(client.exchange(kGet)), 200);
    EXPECT_EQ(target.connections(), kept > 0 ? 1 : 2) << value;
    server_.reset();
    EXPECT_EQ(idle(), kept) << value;
    shards_.run_on(0, [&](async::Shard&) { service_.reset(); });
  }
}

TEST_F(RelayTest, TheTargetsNameAndNoForwardingAreOptions) {
  ScriptedUpstream target(answer_all);
  RelayOptions options;
  options.host = RelayOptions::Host::kTarget;
  options.forwarded = RelayOptions::Forwarded::kLeave;
  RawClient client(relay_to(target.port(), options));
  EXPECT_EQ(body_of(client.exchange("DELETE /a HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: y\r\n\r\n")),
            "DELETE /a HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(target.port()) + "\r\nX-Forwarded-For: y\r\n\r\n");
}

TEST_F(RelayTest, AnAnswerPassesAsItCameButForTheFieldsThatEndHere) {
  ScriptedUpstream target(
      answering("HTTP/1.1 418 Teapot\r\nDate: then\r\nSet-Cookie: a\r\nConnection: X-Mine\r\nX-Mine: no\r\n"
                "Keep-Alive: 5\r\nProxy-Authenticate: no\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nhi"));
  RawClient client(relay_to(target.port()));
  EXPECT_EQ(client.exchange(kGet),
            "HTTP/1.1 418 Unknown\r\nDate: then\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nhi");
}

TEST_F(RelayTest, ConnectionsAreKeptOnBothSidesAndPipeliningWorks) {
  ScriptedUpstream target(answer_all);
  RawClient client(relay_to(target.port()));
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    std::string n = std::to_string(i);
    bytes += "GET /" + n + " HTTP/1.1\r\nHost: x\r\n\r\nPOST /" + n +
             " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
  }
  client.send(bytes);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(body_of(client.read_response()).starts_with("GET /" + std::to_string(i) + " "));
    std::string second = body_of(client.read_response());
    EXPECT_TRUE(second.starts_with("POST /" + std::to_string(i) + " ") && second.ends_with("\r\n\r\nabc")) << second;
  }
  EXPECT_EQ(target.connections(), 1);
  EXPECT_EQ(server_->stats().accepted, 1u);
  EXPECT_EQ(idle(), 1u);
}

TEST_F(RelayTest, ChunksPassBothWaysWhileBothGoOn) {
  ScriptedUpstream target([](Conversation& c) {
    std::string head = c.read_until("\r\n\r\n");
    EXPECT_NE(head.find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos) << head;
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      std::string chunk = c.read_until("\r\n") + c.read_until("\r\n");
      c.send(chunk);
    }
    EXPECT_EQ(c.read_until("\r\n\r\n"), "0\r\nX-Trailer: passes\r\n\r\n");
    c.send("0\r\nX-Trailer: not asked for\r\n\r\n");
    answer_all(c);
  });
  RawClient client(relay_to(target.port()));
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_NE(client.read_until("\r\n\r\n").find("\r\nTransfer-Encoding: chunked\r\n"), std::string::npos);
  for (std::string piece : {"3\r\nabc\r\n", "1\r\nd\r\n", "5\r\nefghi\r\n"}) {
    client.send(piece);
    EXPECT_EQ(client.read_until("\r\n") + client.read_until("\r\n"), piece);
  }
  client.send("0\r\nX-Trailer: passes\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_EQ(status_of(client.exchange(kGet)), 200);
  EXPECT_EQ(target.connections(), 1);
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Byte `i` of a long body.
char pattern(size_t i) { return static_cast<char>((i * 31 + (i >> 12)) & 0xff); }

TEST_F(RelayTest, LongBodiesPassInLittleMemory) {
  constexpr size_t kBody = 192 * kMega, kPiece = 250'000;
  ScriptedUpstream target([](Conversation& c) {
    c.read_until("\r\n\r\n");
    c.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
    for (size_t passed = 0; passed < kBody;) {
      std::string some = c.read_some();
      if (some.empty() || !c.send(some)) return;
      passed += some.size();
    }
    answer_all(c);
  });
  RawClient client(relay_to(target.port()));
  size_t before = resident_bytes();
  std::thread sender([&] {
    client.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kBody) + "\r\n\r\n");
    std::string piece;
    for (size_t at = 0; at < kBody; at += piece.size()) {
      piece.resize(std::min(kPiece, kBody - at));
      for (size_t i = 0; i < piece.size(); ++i) piece[i] = pattern(at + i);
      if (!client.send(piece)) return;
    }
  });
  client.read_until("\r\n\r\n");
  size_t at = 0, wrong = 0;
  while (at < kBody) {
    std::string some = client.read_some();
    if (some.empty()) break;
    for (char c : some) wrong += c != pattern(at++);
  }
  sender.join();
  EXPECT_EQ(at, kBody);
  EXPECT_EQ(wrong, 0u);
  if (!testing::kSanitized) EXPECT_LT(resident_bytes(), before + 48 * kMega);
  EXPECT_EQ(status_of(client.exchange(kGet)), 200);  // both connections are still good
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(RelayTest, TheClientIsToldToGoOnWhenItsBodyIsWanted) {
  ScriptedUpstream target(answer_all);
  RawClient client(relay_to(target.port()));
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_response(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  std::string got = body_of(client.read_response());
  EXPECT_TRUE(got.ends_with("hi"));
  EXPECT_EQ(got.find("Expect"), std::string::npos);
}

TEST_F(RelayTest, OtherInterimAnswersPass) {
  ScriptedUpstream target(
      answering("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + response_text(200, "x")));
  uint16_t port = relay_to(target.port());
  RawClient client(port), old(port);
  EXPECT_EQ(client.exchange(kGet), "HTTP/1.1 103 Unknown\r\nLink: a\r\n\r\n");
  EXPECT_EQ(status_of(client.read_response()), 200);
  EXPECT_EQ(status_of(old.exchange("GET / HTTP/1.0\r\n\r\n")), 200);
}

TEST_F(RelayTest, AnswersWithoutABodyHaveTheirLengthOnly) {
  ScriptedUpstream target([](Conversation& c) {
    for (std::string request; !(request = c.read_request()).empty();) {
      if (request.find(" /204 ") != std::string::npos) c.send("HTTP/1.1 204 No Content\r\n\r\n");
      if (request.find(" /304 ") != std::string::npos) c.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
      if (request.starts_with("HEAD")) c.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    }
  });
  RawClient client(relay_to(target.port()));
  client.send(
      "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /204 HTTP/1.1\r\nHost: x\r\n\r\nGET /304 HTTP/1.1\r\nHost: x\r\nConnection: "
      "close\r\n\r\n");
  std::string head = client.read_until("\r\n\r\n"), none = client.read_until("\r\n\r\n"), same = client.read_all();
  EXPECT_NE(head.find("Content-Length: 1000"), std::string::npos) << head;
  EXPECT_EQ(status_of(none), 204);
  EXPECT_EQ(none.find("Content-Length"), std::string::npos);
  EXPECT_NE(same.find("Content-Length: 7"), std::string::npos) << same;
  EXPECT_EQ(body_of(same), "");
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(RelayTest, ABodyUpToTheTargetsCloseIsChunkedOrEndsWithAnOldClientsConnection) {
  ScriptedUpstream target([](Conversation& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\n\r\nall of it");
  });
  uint16_t port = relay_to(target.port());
  RawClient client(port), old(port);
  client.send("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(unchunked(body_of(client.read_all())), "all of it");
  old.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  std::string all = old.read_all();
  EXPECT_EQ(body_of(all), "all of it");
  EXPECT_NE(all.find("Connection: close"), std::string::npos);
}

constexpr std::string_view kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";

void switch_and_echo(Conversation& c) {
  std::string head = c.read_until("\r\n\r\n");
  EXPECT_NE(head.find("\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"), std::string::npos) << head;
  c.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nhello ");
  for (std::string some; !(some = c.read_some()).empty();) c.send(some);
  c.send("bye");
}

TEST_F(RelayTest, AnUpgradePassesBytesBothWaysAndEachSidesEnd) {
  ScriptedUpstream target(switch_and_echo);
  RawClient client(relay_to(target.port()));
  client.send(std::string(kUpgrade) + "early ");
  EXPECT_EQ(client.read_until("early "),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
            "hello early ");
  std::string much(3 * kMega, 'm');
  std::thread sender([&] {
    client.send(much + "!");
    client.finish_sending();
  });
  EXPECT_EQ(client.read_until("!"), much + "!");
  sender.join();
  EXPECT_EQ(client.read_all(), "bye");
  EXPECT_EQ(idle(), 0u);
}

TEST_F(RelayTest, AnUpgradeThatTheTargetDoesNotWantIsAnOrdinaryRequest) {
  ScriptedUpstream target(answer_all);
  RawClient client(relay_to(target.port()));
  EXPECT_EQ(status_of(client.exchange(kUpgrade)), 200);
  std::string got = body_of(client.exchange(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n"));
  EXPECT_EQ(got.find("pgrade"), std::string::npos) << got;
  EXPECT_EQ(got.find("HTTP2"), std::string::npos) << got;
  EXPECT_EQ(target.connections(), 1);
}

TEST_F(RelayTest, ASwitchOfProtocolThatNobodyAskedForIsAnError) {
  ScriptedUpstream target(answering("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"));
  RawClient client(relay_to(target.port()));
  EXPECT_EQ(status_of(client.exchange(kGet)), 502);
}

TEST_F(RelayTest, ADrainEndsWhatWasUpgraded) {
  ScriptedUpstream target(switch_and_echo);
  ServerLimits limits;
  limits.drain_grace = milliseconds(100);
  RawClient client(relay_to(target.port(), {}, limits));
  client.send(kUpgrade);
  client.read_until("hello ");
  EXPECT_EQ(server_->drain(std::chrono::steady_clock::now() + seconds(30)), HttpServer::Drained::kClean);
  client.read_all();
}

}  // namespace
}  // namespace fiso::net

#include "net/http2_server.h"

#include <gtest/gtest.h>

#include "net/testing/http2_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using testing::body_of;
using testing::Http2Peer;
using testing::RawClient;
using testing::status_of;

class Http2ServerTest : public testing::Http2Fixture {};
class Http2Streams : public testing::Http2Fixture {
 protected:
  Http2Streams() { echo_->streams = true; }
};

TEST_F(Http2ServerTest, AConnectionThatBeginsWithThePrefaceSpeaksHttp2) {
  RawClient socket(start());
  Http2Peer client(socket);
  for (int i = 0; i < 3; ++i) {
    auto& answer = client.wait_closed(client.ask("GET", "/a?b=c"));
    EXPECT_EQ(answer.status(), 200);
    EXPECT_EQ(answer.body, "GET /a?b=c ");
    EXPECT_EQ(answer.headers.find("content-length"), "11");
    EXPECT_TRUE(answer.headers.contains("date"));
    EXPECT_EQ(answer.error, 0u);
  }
  EXPECT_EQ(server_->stats().accepted, 1u);
}

TEST_F(Http2ServerTest, ThePrefaceMayComeByteByByte) {
  RawClient socket(start());
  for (char c : kHttp2Preface) socket.send({&c, 1});
  socket.send(std::string("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS, empty
  EXPECT_FALSE(socket.read_some().empty());           // ours
}

TEST_F(Http2ServerTest, WhatBeginsLikeThePrefaceMayBeHttp1) {
  uint16_t port = start();
  for (std::string method : {"POST", "PROPFIND", "PUT"}) {
    RawClient client(port);
    for (char c : method + " /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi") client.send({&c, 1});
    EXPECT_EQ(body_of(client.read_response()), method + " /x hi");
  }
  RawClient half(port);
  EXPECT_GE(status_of(half.exchange("PRI * HTTP/2.0\r\n\r\nXX")), 400);
}

TEST_F(Http2ServerTest, RequestsOfAConnectionAreHandledBesideEachOther) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t slow = client.ask("GET", "/wait");
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/quick")).body, "GET /quick ");
  EXPECT_FALSE(client.at(slow).head_here);
  release();
  EXPECT_EQ(client.wait_closed(slow).status(), 200);
}

TEST_F(Http2ServerTest, BodiesLargerThanAnyWindowPassBothWays) {
  RawClient socket(start());
  Http2Peer client(socket);
  std::string body(3 << 20, 'b');
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", body)).body, "POST / " + body);
}

TEST_F(Http2ServerTest, ABodyBeyondTheLimitIsRefusedAndTheConnectionGoesOn) {
  ServerLimits limits;
  limits.body_bytes = 10_KiB;
  RawClient socket(start(limits));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", std::string(100 << 10, 'b'))).status(), 413);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x", {{"content-length", "1"}})).status(), 200);
  int32_t told = client.begin("POST", "/", {{"content-length", "99999"}});
  EXPECT_EQ(client.wait_head(told).status(), 413);  // without any of it
  EXPECT_EQ(refused_requests("body_too_large"), 2u);
}

TEST_F(Http2ServerTest, HeadersBeyondTheLimitsAreRefusedAndTheConnectionGoesOn) {
  RawClient socket(start());
  Http2Peer client(socket);
  Http2Peer::Fields many, large;
  for (int i = 0; i < 300; ++i) many.emplace_back("x-" + std::to_string(i), "v");
  for (int i = 0; i < 3; ++i) large.emplace_back("x-" + std::to_string(i), std::string(30'000, 'v'));
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/", "", many)).status(), 431);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/", "", large)).status(), 431);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
  EXPECT_EQ(refused_requests("head_too_large"), 2u);
}

TEST_F(Http2ServerTest, WhatIsNoRequestIsRefused) {
  RawClient socket(start());
  Http2Peer client(socket);
  auto status = [&](std::string_view method, Http2Peer::Fields more) {
    auto& answer = client.wait_closed(client.ask(method, "/", "", std::move(more)));
    return answer.error == NGHTTP2_PROTOCOL_ERROR ? 400 : answer.status();  // some of it nghttp2 finds already
  };
  EXPECT_EQ(status("GET", {{"host", "other"}}), 400);
  EXPECT_EQ(status("GET", {{":authority", "a b"}}), 400);
  EXPECT_EQ(status("GET", {{":path", "/a#b"}}), 400);
  EXPECT_EQ(status("G@T", {}), 400);
  EXPECT_EQ(status("GET", {{"expect", "miracles"}}), 417);
  EXPECT_EQ(status("OPTIONS", {{":path", "*"}}), 200);
}

TEST_F(Http2ServerTest, MalformedRequestsAreResetAndTheConnectionGoesOn) {
  RawClient socket(start());
  Http2Peer client(socket);
  for (Http2Peer::Fields bad : {Http2Peer::Fields{{"connection", "close"}},
                                {{"te", "gzip"}},
                                {{"transfer-encoding", "chunked"}},
                                {{"upgrade", "h2c"}},
                                {{"keep-alive", "1"}},
                                {{":path", ""}},
                                {{":unknown", "x"}},
                                {{"content-length", "nine"}}}) {
    auto& answer = client.wait_closed(client.ask("GET", "/", "", bad));
    EXPECT_EQ(answer.status(), 0) << bad[0].first;
    EXPECT_EQ(answer.error, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR)) << bad[0].first;
  }
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/", "", {{"te", "trailers"}})).status(), 200);
}

TEST_F(Http2ServerTest, ABodyOfAnotherLengthThanItSaidIsReset) {
  RawClient socket(start());
  Http2Peer client(socket);
  auto& shorter = client.wait_closed(client.ask("POST", "/", "abc", {{"content-length", "4"}}));
  EXPECT_EQ(shorter.error, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  auto& longer = client.wait_closed(client.ask("POST", "/", "abc", {{"content-length", "2"}}));
  EXPECT_EQ(longer.error, static_cast<uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
}

TEST_F(Http2ServerTest, CrumbsOfACookieAreOneFieldAgain) {
  RawClient socket(start());
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/cookie", "", {{"cookie", "a=1"}, {"cookie", "b=2"}})).body, "a=1; b=2");
}

TEST_F(Http2ServerTest, AClientThatExpectsItIsToldToContinue) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/", {{"expect", "100-continue"}});
  client.until([&] { return !client.at(stream).statuses.empty(); });
  EXPECT_EQ(client.at(stream).statuses, std::vector<int>{100});
  client.write(stream, "now");
  client.end(stream);
  EXPECT_EQ(client.wait_closed(stream).body, "POST / now");
}

TEST_F(Http2ServerTest, SomeAnswersHaveNoBody) {
  RawClient socket(start());
  Http2Peer client(socket);
  auto& head = client.wait_closed(client.ask("HEAD", "/abc"));
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(head.headers.find("content-length"), "10");
  auto& none = client.wait_closed(client.ask("GET", "/none"));
  EXPECT_EQ(none.status(), 204);
  EXPECT_FALSE(none.headers.contains("content-length"));
}

TEST_F(Http2ServerTest, BodiesBeyondTheBudgetAreRefused) {
  bodies_.bytes.take(64_MiB .count - 100);
  RawClient socket(start());
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", std::string(17 << 10, 'b'))).status(), 503);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "small")).status(), 200);
  EXPECT_EQ(bodies_refused_.value(), 1u);
  bodies_.bytes.give_back(64_MiB .count - 100);
}

TEST_F(Http2ServerTest, ABodyThatStopsToArriveIsNotWaitedForForever) {
  ServerLimits limits;
  limits.body_timeout = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/");
  client.write(stream, "some");
  EXPECT_EQ(client.wait_closed(stream).status(), 408);
  EXPECT_EQ(refused_requests("body_timeout"), 1u);
}

TEST_F(Http2ServerTest, ARequestWhoseTrailersAreBrokenIsNotHandled) {
  RawClient socket(start());
  Http2Peer client(socket);
  for (std::string value : {std::string("a\x01"), std::string(70'000, 'x')})
    EXPECT_NE(client.wait_closed(client.ask("POST", "/", "body", {}, {{"x-sum", value}})).error, 0u);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x")).status(), 200);
  EXPECT_EQ(echo_->handled.load(), 1);
}

TEST_F(Http2ServerTest, AnIdleConnectionIsSaidGoodbyeTo) {
  ServerLimits limits;
  limits.idle_timeout = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
  EXPECT_FALSE(client.until([] { return false; }));
  EXPECT_TRUE(client.gone_away());
  EXPECT_EQ(client.goaway_error(), 0u);
}

TEST_F(Http2ServerTest, ADrainFinishesWhatHasBegunAndSaysGoodbye) {
  ServerLimits limits;
  limits.drain_grace = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket);
  int32_t slow = client.ask("GET", "/wait");
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
  server_->begin_drain();
  EXPECT_TRUE(client.until([&] { return client.gone_away(); }));
  auto drained = server_->finish_drain(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  release();
  EXPECT_EQ(client.wait_closed(slow).status(), 200);
  EXPECT_FALSE(client.until([] { return false; }));
  socket.close();
  EXPECT_EQ(drained.get(), HttpServer::Drained::kClean);
}

TEST_F(Http2Streams, AnAnswerGoesOutWhileTheRequestComes) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/");
  for (std::string_view piece : {"one", "two"}) {
    client.write(stream, piece);
    EXPECT_TRUE(client.until([&] { return client.at(stream).body.ends_with(piece); }));
  }
  client.end(stream);
  EXPECT_EQ(client.wait_closed(stream).body, "onetwo");
}

// Only a service that keeps time itself lets it pause.
TEST_F(Http2Streams, WhatACallerCallsGrpcIsNotWaitedForForever) {
  ServerLimits limits;
  limits.body_timeout = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/whole", {{"content-type", "application/grpc"}});
  EXPECT_EQ(client.wait_closed(stream).status(), 408);
}

TEST_F(Http2Streams, TrailersPassBothWays) {
  RawClient socket(start());
  Http2Peer client(socket);
  auto& answer = client.wait_closed(client.ask("POST", "/", "x", {}, {{"grpc-status", "0"}, {"x-sum", "abc"}}));
  EXPECT_EQ(answer.body, "x");
  EXPECT_EQ(answer.trailers.find("grpc-status"), "0");
  EXPECT_EQ(answer.trailers.find("x-sum"), "abc");
  EXPECT_FALSE(answer.headers.contains("x-sum"));
}

TEST_F(Http2Streams, WhatIsNotTakenIsNotRead) {
  RawClient socket(start());
  Http2Peer client(socket, Http2Peer::Windows::kByHand);
  int32_t stream = client.begin("POST", "/");
  client.write(stream, std::string(4 << 20, 'x'));
  // The answer stops at our window, then the request does at the server's.
  client.until([&] { return client.at(stream).body.size() == 65535; });
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/other")).status(), 200);
  EXPECT_GT(client.unsent(stream), size_t{3} << 20);
}

TEST_F(Http2Streams, AReaderThatStopsIsCutAndOthersGoOn) {
  ServerLimits limits;
  limits.write_timeout = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket, Http2Peer::Windows::kByHand);
  int32_t stream = client.begin("POST", "/");
  client.write(stream, std::string(200'000, 'x'));
  auto& answer = client.wait_closed(stream);
  EXPECT_EQ(answer.error, static_cast<uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(refused_connections("slow_reader"), 1u);
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
}

TEST_F(Http2Streams, AnAnswerThatBreaksOffResetsItsStream) {
  RawClient socket(start());
  Http2Peer client(socket);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/broken", "x")).error, static_cast<uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/silent")).status(), 500);
}

TEST_F(Http2Streams, AServiceIsToldThatItsClientHasGone) {
  uint16_t port = start();
  RawClient socket(port);
  Http2Peer client(socket);
  int32_t given_up = client.ask("GET", "/wait");
  int32_t other = client.begin("POST", "/");
  client.write(other, "x");
  client.until([&] { return client.at(other).body == "x"; });  // both have begun
  client.reset(given_up, NGHTTP2_CANCEL);
  while (echo_->gone.load() == 0) std::this_thread::yield();
  socket.close();
  while (echo_->gone.load() < 2) std::this_thread::yield();
}

TEST_F(Http2ServerTest, AServiceOfWholeRequestsIsToldThatItsClientHasGone) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t given_up = client.ask("POST", "/wait", "x");
  while (echo_->handling.load() == 0) std::this_thread::yield();
  client.reset(given_up, NGHTTP2_CANCEL);
  while (echo_->gone.load() == 0) std::this_thread::yield();
}

TEST_F(Http2Streams, AServiceThatBecomesCuriousLaterIsToldAtOnce) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t given_up = client.ask("GET", "/late");
  while (echo_->handling.load() == 0) std::this_thread::yield();
  client.reset(given_up, NGHTTP2_CANCEL);
  EXPECT_EQ(client.wait_closed(client.ask("POST", "/", "x")).status(), 200);  // the reset has been read
  release();
  while (echo_->handled.load() < 2) std::this_thread::yield();
  EXPECT_EQ(echo_->gone.load(), 1);
}

}  // namespace
}  // namespace fiso::net

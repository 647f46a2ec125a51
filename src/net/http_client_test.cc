#include "net/http_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <future>

#include "async/gate.h"
#include "async/testing/run_task.h"
#include "net/testing/scripted_upstream.h"

namespace fiso::net {
namespace {

using testing::response_text;
using testing::ScriptedUpstream;
using Conversation = ScriptedUpstream::Conversation;
using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime in(Duration duration) { return std::chrono::steady_clock::now() + duration; }

class HttpClientTest : public ::testing::Test {
 protected:
  HttpClientTest() : shards_(1), blocking_(1, 16) {}
  ~HttpClientTest() override {
    shards_.run_on(0, [&](async::Shard&) { client_.reset(); });
  }

  void connect_to(uint16_t port, ClientOptions options = {}, std::string host = "127.0.0.1") {
    options.origin.host = std::move(host);
    options.origin.port = port;
    shards_.run_on(0, [&](async::Shard& shard) { client_ = std::make_unique<HttpClient>(shard, blocking_, options); });
  }
  Result<ClientResponse> send(const ClientRequest& request, Duration timeout = seconds(30)) {
    return testing::run_task(shards_[0], [&] { return client_->send(request, in(timeout)); });
  }
  Result<ClientResponse> get() { return send({.method = "GET", .target = "/"}); }
  Result<ClientResponse> post(const HeaderList& headers = {}) {
    return send({.method = "POST", .target = "/", .headers = &headers});
  }
  size_t idle() {
    size_t count = 0;
    shards_.run_on(0, [&](async::Shard&) { count = client_->idle(); });
    return count;
  }
  // The one answer `bytes` that a server gives before it closes.
  Result<ClientResponse> answered_with(std::string bytes) {
    ScriptedUpstream upstream([&](Conversation& c) {
      c.read_request();
      c.send(bytes);
    });
    connect_to(upstream.port());
    return get();
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  std::unique_ptr<HttpClient> client_;
};

// Makes each further write of this process to that port of loopback fail; it can still read.
void stop_writing_to(uint16_t port) {
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || peer.sin_family != AF_INET) continue;
    if (ntohs(peer.sin_port) == port) ::shutdown(fd, SHUT_WR);
  }
}

void answer_all(Conversation& c) {
  for (std::string request; !(request = c.read_request()).empty();) c.send(response_text(200, request));
}

TEST_F(HttpClientTest, ARequestGoesOutAsItWasGivenAndTheConnectionIsKept) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port());
  HeaderList headers;
  headers.add("X-A", "b");
  headers.add("Connection", "close");
  headers.add("content-length", "77");
  std::string_view body[] = {"hel", "", "lo"};
  for (int i = 0; i < 3; ++i) {
    auto response = send({.method = "POST", .target = "/p?q", .headers = &headers, .body = body});
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->body, "POST /p?q HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(upstream.port()) +
                                  "\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello");
  }
  EXPECT_EQ(upstream.connections(), 1);
  EXPECT_EQ(idle(), 1u);
}

TEST_F(HttpClientTest, WhatHttpCannotCarryIsNotSent) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port());
  HeaderList split;
  split.add("X-A", "b\r\nX-C: d");
  for (const ClientRequest& request :
       {ClientRequest{"GET", "/a b"}, ClientRequest{"GET", "a"}, ClientRequest{"GE T", "/"}, ClientRequest{"GET", "/", &split}}) {
    auto response = send(request);
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().code(), ErrorCode::kInvalidInput);
  }
  EXPECT_TRUE(get().has_value());
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(HttpClientTest, ARefusedConnectionIsUnavailable) {
  uint16_t port = 0;
  { port = ScriptedUpstream(answer_all).port(); }
  connect_to(port);
  auto response = get();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(response.error().message(), "connection refused");
  EXPECT_EQ(response.error().describe(), "connect 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST_F(HttpClientTest, ANameIsLookedUpAndEachOfItsAddressesTried) {
  ScriptedUpstream upstream(answer_all);  // on IPv4 only; localhost may come first as ::1
  connect_to(upstream.port(), {}, "localhost");
  EXPECT_TRUE(get().has_value());
  EXPECT_TRUE(get().has_value());
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(HttpClientTest, ANameThatDoesNotExistIsUnavailable) {
  connect_to(1, {}, "does-not-exist.invalid");
  auto response = get();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message(), "name resolution failed");
}

TEST_F(HttpClientTest, AConnectionThatWasClosedMeanwhileIsReplaced) {
  ScriptedUpstream upstream([](Conversation& c) {
    c.read_request();
    c.send(response_text(200, "once"));
  });
  connect_to(upstream.port());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get().has_value());
  EXPECT_EQ(upstream.connections(), 3);
}

// Closed before the request is sent, which is seen: nothing is lost and nothing is sent twice.
TEST_F(HttpClientTest, AConnectionThatIsSeenToBeClosedIsNotUsed) {
  std::promise<void> answered, closed;
  std::atomic<int> requests = 0;
  ScriptedUpstream upstream([&](Conversation& c) {
    c.read_request();
    ++requests;
    c.send(response_text(200, "once"));
    if (c.number() > 0) return c.wait_for_close();
    answered.get_future().wait();
    c.reset();
    closed.set_value();
  });
  connect_to(upstream.port());
  ASSERT_TRUE(post().has_value());
  answered.set_value();
  closed.get_future().wait();
  ASSERT_TRUE(post().has_value());
  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_EQ(requests, 2);
}

// Each connection takes a second request and closes without a word: what a restart between the check and the write looks like.
class StaleConnection : public HttpClientTest {
 protected:
  StaleConnection()
      : upstream_([this](Conversation& c) {
          c.read_request();
          c.send(response_text(200, "one"));
          if (!c.read_request().empty()) ++unanswered_;
        }) {
    connect_to(upstream_.port());
    EXPECT_TRUE(get().has_value());
  }
  std::atomic<int> unanswered_ = 0;
  ScriptedUpstream upstream_;
};

TEST_F(StaleConnection, APostIsNotSentTwice) {
  auto refused = post();
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(retryable(refused.error().code()));
  EXPECT_EQ(upstream_.connections(), 1);
  EXPECT_EQ(unanswered_, 1);
}

TEST_F(StaleConnection, AnIdempotentRequestIsSentAgain) {
  for (std::string_view method : {"GET", "OPTIONS", "PUT", "DELETE"}) {
    int before = upstream_.connections();
    ASSERT_TRUE(send({.method = method, .target = "/"}).has_value()) << method;
    EXPECT_EQ(upstream_.connections(), before + 1) << method;
  }
  EXPECT_FALSE(send({.method = "PATCH", .target = "/"}).has_value());
}

TEST_F(StaleConnection, APostWithAnIdempotencyKeyIsSentAgain) {
  HeaderList headers;
  headers.add("idempotency-key", "k");
  EXPECT_TRUE(post(headers).has_value());
  EXPECT_EQ(upstream_.connections(), 2);
}

// To the client that is a connection whose end it learns of between the look and the first byte.
TEST_F(HttpClientTest, ARequestOfWhichNothingWasWrittenIsSentAgainWhateverItsMethod) {
  std::atomic<int> posts = 0;
  ScriptedUpstream upstream([&](Conversation& c) {
    for (std::string request; !(request = c.read_request()).empty(); c.send(response_text(200, std::to_string(c.number()))))
      posts += request.starts_with("POST") ? 1 : 0;
  });
  connect_to(upstream.port());
  ASSERT_TRUE(get().has_value());
  stop_writing_to(upstream.port());
  auto response = post();
  ASSERT_TRUE(response.has_value()) << response.error().describe();
  EXPECT_EQ(response->body, "1");
  EXPECT_EQ(posts, 1);
}

TEST_F(HttpClientTest, ARequestIsNotSentAgainAfterHalfAnAnswer) {
  ScriptedUpstream upstream([](Conversation& c) {
    c.read_request();
    c.send(response_text(200, "one"));
    c.read_request();
    c.send("HTTP/1.1 2");
  });
  connect_to(upstream.port());
  ASSERT_TRUE(get().has_value());
  EXPECT_FALSE(get().has_value());
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(HttpClientTest, AConnectionIsKeptNoLongerThanTheServerSays) {
  for (auto [value, kept] : {std::pair("timeout=1", 0u), std::pair("max=5, Timeout=0", 0u), std::pair("timeout=60, max=5", 1u),
                             std::pair("timeout=soon", 1u), std::pair("timeout=99999999999999999", 1u), std::pair(",,", 1u)}) {
    ScriptedUpstream upstream([&](Conversation& c) {
      c.read_request();
      c.send(std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: ") + value + "\r\n\r\n");
      c.wait_for_close();
    });
    connect_to(upstream.port());
    EXPECT_TRUE(get().has_value());
    EXPECT_EQ(idle(), kept) << value;
  }
}

TEST_F(HttpClientTest, BytesAfterAnAnswerEndTheConnection) {
  ScriptedUpstream upstream([](Conversation& c) {
    c.read_request();
    c.send(response_text(200, "mine") + response_text(200, "of nobody"));
    c.wait_for_close();
  });
  connect_to(upstream.port());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get()->body, "mine");
  EXPECT_EQ(upstream.connections(), 2);
  EXPECT_EQ(idle(), 0u);
}

TEST_F(HttpClientTest, AWordOnAnIdleConnectionIsNotTakenForAnAnswer) {
  std::promise<void> spoken;
  ScriptedUpstream upstream([&](Conversation& c) {
    c.read_request();
    c.send(response_text(200, "mine"));
    if (c.number() == 0) {
      c.send(response_text(408, "you are slow"));
      spoken.set_value();
    }
    c.wait_for_close();
  });
  connect_to(upstream.port());
  EXPECT_EQ(get()->status, 200);
  spoken.get_future().wait();
  EXPECT_EQ(get()->status, 200);
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_F(HttpClientTest, TheServersWordOnKeepAliveCounts) {
  ScriptedUpstream upstream([](Conversation& c) {
    c.read_request();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    c.wait_for_close();
  });
  connect_to(upstream.port());
  EXPECT_TRUE(get().has_value());
  EXPECT_EQ(idle(), 0u);
}

TEST_F(HttpClientTest, AnswersMayBeChunkedOrEndWithTheConnection) {
  EXPECT_EQ(answered_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")->body, "hi");
  EXPECT_EQ(answered_with("HTTP/1.1 200 OK\r\n\r\nhi")->body, "hi");
  EXPECT_EQ(answered_with("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")->body, "hi");
}

TEST_F(HttpClientTest, BrokenAnswersAreUnavailable) {
  for (auto [bytes, message] : {
           std::pair("complete garbage\r\n\r\n", "malformed response"),
           std::pair("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed response"),
           std::pair("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", "connection closed before the response was complete"),
           std::pair("HTTP/1.1 200 OK\r\nContent-Le", "connection closed before the response was complete"),
           std::pair("", "connection closed before the response was complete"),
           std::pair("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "response body too large"),
           std::pair("HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed response"),
       }) {
    auto response = answered_with(bytes);
    ASSERT_FALSE(response.has_value()) << bytes;
    EXPECT_EQ(response.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(response.error().message(), message);
    EXPECT_EQ(idle(), 0u);
  }
}

// Whoever wants the head only has it, whatever the body is like; and a body that is as it should be leaves a connection.
TEST_F(HttpClientTest, ABodyThatNobodyWantsCannotSpoilAnAnswer) {
  std::string chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string huge(3 << 20, 'h');
  for (auto [bytes, kept] : {
           std::pair(response_text(201, "hi"), 1u),
           std::pair(response_text(201, std::string(1 << 20, 'h')), 1u),
           std::pair(chunked + "2\r\nhi\r\n0\r\n\r\n", 1u),
           std::pair(response_text(201, huge), 0u),
           std::pair(std::string("HTTP/1.1 201 Created\r\n\r\n") + huge, 0u),
           std::pair(chunked + "300000\r\n" + huge + "\r\n0\r\n\r\n", 0u),
           std::pair(chunked + "nonsense\r\n", 0u),
       }) {
    ScriptedUpstream upstream([&](Conversation& c) {
      c.read_request();
      c.send(bytes);
      c.wait_for_close();
    });
    connect_to(upstream.port());
    auto response = send({.method = "GET", .target = "/", .wanted = Wanted::kHead});
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->body, "");
    EXPECT_EQ(idle(), kept) << bytes.substr(0, 80);
  }
}

TEST_F(HttpClientTest, ABodyThatIsCutOffCannotEither) {
  enum class End { kNever, kClose, kReset };
  for (End end : {End::kNever, End::kClose, End::kReset}) {
    ScriptedUpstream upstream([&](Conversation& c) {
      c.read_request();
      c.send("HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 10\r\n\r\nabc");
      if (end == End::kNever) c.wait_for_close();
      if (end == End::kReset) c.reset();
    });
    connect_to(upstream.port());
    auto response = send({.method = "GET", .target = "/", .wanted = Wanted::kHead}, milliseconds(100));
    ASSERT_TRUE(response.has_value()) << response.error().describe();
    EXPECT_EQ(response->headers.find("X-A"), "b");
    EXPECT_EQ(idle(), 0u);
  }
}

TEST_F(HttpClientTest, HalfAHeadIsNoAnswerEvenIfNothingElseIsWanted) {
  for (std::string bytes : {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                            "HTTP/1.1 103 Early Hints\r\n\r\n"}) {
    ScriptedUpstream upstream([&](Conversation& c) {
      c.read_request();
      c.send(bytes);
    });
    connect_to(upstream.port());
    auto response = send({.method = "GET", .target = "/", .wanted = Wanted::kHead});
    ASSERT_FALSE(response.has_value()) << bytes;
    EXPECT_EQ(response.error().code(), ErrorCode::kUnavailable);
  }
}

TEST_F(HttpClientTest, AResetIsUnavailable) {
  ScriptedUpstream upstream([](Conversation& c) {
    c.read_request();
    c.reset();
  });
  connect_to(upstream.port());
  auto response = get();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message(), "connection reset");
}

TEST_F(HttpClientTest, InterimAnswersAreSkippedButNotWithoutEnd) {
  std::string early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", some, many;
  for (int i = 0; i < 16; ++i) some += early;
  for (int i = 0; i < 1000; ++i) many += early;
  auto response = answered_with(some + "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 201);
  EXPECT_FALSE(response->headers.contains("Link"));
  auto flooded = answered_with(many);
  ASSERT_FALSE(flooded.has_value());
  EXPECT_EQ(flooded.error().message(), "too many interim responses");
}

TEST_F(HttpClientTest, HeadersWithoutEndAreCutOff) {
  std::string bytes = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 3000; ++i) bytes += "X-" + std::to_string(i) + ": " + std::string(100, 'y') + "\r\n";
  auto response = answered_with(bytes);
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().message(), "response headers too large");
}

TEST_F(HttpClientTest, AnAnswerToHeadHasNoBody) {
  ScriptedUpstream upstream([](Conversation& c) {
    while (!c.read_request().empty()) c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
  });
  connect_to(upstream.port());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(send({.method = "HEAD", .target = "/"}).has_value());
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(HttpClientTest, ASlowAnswerEndsAtTheDeadline) {
  ScriptedUpstream upstream([](Conversation& c) { c.wait_for_close(); });
  connect_to(upstream.port());
  auto response = send({.method = "GET", .target = "/"}, milliseconds(30));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(response.error().message(), "timeout");
}

TEST_F(HttpClientTest, LargeBodiesGoBothWays) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port(), {.max_response_body = 32_MiB});
  std::string part(4 << 20, 'p');
  std::string_view body[] = {part, part, part};
  auto response = send({.method = "POST", .target = "/", .body = body});
  ASSERT_TRUE(response.has_value()) << response.error().describe();
  EXPECT_GT(response->body.size(), 12u << 20);
  EXPECT_EQ(idle(), 1u);
}

TEST_F(HttpClientTest, AnEarlyAnswerToALongRequestIsTaken) {
  std::promise<void> answered;
  ScriptedUpstream upstream([&](Conversation& c) {
    c.send(response_text(413, "too much"));
    answered.get_future().wait();  // without reading
  });
  connect_to(upstream.port());
  std::string body(64 << 20, 'b');
  std::string_view pieces[] = {body};
  auto response = send({.method = "POST", .target = "/", .body = pieces});
  ASSERT_TRUE(response.has_value()) << response.error().describe();
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(idle(), 0u);
  answered.set_value();
}

TEST_F(HttpClientTest, AnIdleConnectionIsClosedAfterItsTime) {
  std::promise<void> closed;
  ScriptedUpstream upstream([&](Conversation& c) {
    answer_all(c);
    closed.set_value();
  });
  connect_to(upstream.port(), {.idle_timeout = milliseconds(20)});
  ASSERT_TRUE(get().has_value());
  closed.get_future().wait();
  EXPECT_EQ(idle(), 0u);
}

TEST_F(HttpClientTest, RequestsInFlightAreLimited) {
  async::Limiter limiter(shards_, 1, 0);
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port(), {.connections = &limiter});
  {
    auto taken = limiter.try_acquire();
    auto response = get();
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().code(), ErrorCode::kOverloaded);
  }
  EXPECT_TRUE(get().has_value());
  EXPECT_EQ(limiter.in_use(), 0u);
}

TEST_F(HttpClientTest, RequestsAtTheSameTimeHaveConnectionsOfTheirOwn) {
  ScriptedUpstream upstream(answer_all);
  connect_to(upstream.port(), {.max_idle = 3});
  int good = 0;
  testing::run_task(shards_[0], [&]() -> Task<> {
    async::Gate gate(shards_[0].executor());
    auto one = [&](int i, async::Gate::Pass) -> Task<> {
      std::string target = "/" + std::to_string(i);
      auto response = co_await client_->send({.method = "GET", .target = target}, in(seconds(30)));
      good += response.has_value() && response->body.starts_with("GET " + target + " ");
    };
    for (int i = 0; i < 20; ++i) async::spawn(shards_[0], one(i, gate.enter()));
    co_await gate.wait_empty();
  });
  EXPECT_EQ(good, 20);
  EXPECT_EQ(idle(), 3u);
}

}  // namespace
}  // namespace fiso::net

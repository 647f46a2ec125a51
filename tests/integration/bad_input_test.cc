// What is not HTTP as we accept it, at a flow's listener: the answer, the close, and that the server goes on.
#include <gtest/gtest.h>

#include "base/ascii.h"
#include "test_server.h"

namespace fiso::testing {
namespace {

struct BadRequest {
  std::string name;
  std::string bytes;
  int status = 400;

  friend void PrintTo(const BadRequest& request, std::ostream* out) { *out << request.name; }
};

std::string with_headers(const std::string& lines, const std::string& body = "{}") {
  return "POST /ingest HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n" + body;
}

// One refusal, for that reason, is in the metrics and in the log, which quotes nothing of what was sent.
void expect_told(TestServer& server, const std::string& reason) {
  EXPECT_EQ(server.metric("fiso_http_requests_refused_total{reason=\"" + reason + "\"}"), 1.0) << reason;
  EXPECT_EQ(server.log().count(R"("msg":"http request refused","component":"test","reason":")" + reason + '"'), 1u) << reason;
  EXPECT_FALSE(server.log().contains("smuggled"));
}

class BadRequestTest : public ::testing::TestWithParam<BadRequest> {};

// A second request behind the bad one must never be taken for one.
TEST_P(BadRequestTest, IsAnsweredOnceAndTheConnectionCloses) {
  EventReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port())});
  ASSERT_EQ(server.error(), "");
  RawClient client(server.port());
  client.send(GetParam().bytes + post_text("/ingest", "\"smuggled\""));
  client.finish_sending();
  std::string answers = client.read_all();
  server.check(answers);
  EXPECT_EQ(status_of(answers), GetParam().status) << answers;
  EXPECT_EQ(to_lower(header_of(answers, "Connection")), "close");
  EXPECT_EQ(answers.find("HTTP/1.1", 1), std::string::npos) << answers;
  EXPECT_TRUE(receiver.requests().empty());
  expect_told(server, GetParam().status == 413   ? "body_too_large"
                      : GetParam().status == 417 ? "expectation"
                      : GetParam().status == 431 ? "head_too_large"
                      : GetParam().status == 505 ? "version"
                                                 : "malformed");
  EXPECT_EQ(status_of(server.post("1")), 200);
}

INSTANTIATE_TEST_SUITE_P(
    Requests, BadRequestTest,
    ::testing::Values(
        BadRequest{"length_and_chunks", with_headers("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
        BadRequest{"chunks_and_length", with_headers("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "0\r\n\r\n")},
        BadRequest{"two_lengths", with_headers("Content-Length: 2\r\nContent-Length: 3\r\n")},
        BadRequest{"two_equal_lengths", with_headers("Content-Length: 2\r\nContent-Length: 2\r\n")},
        BadRequest{"list_of_lengths", with_headers("Content-Length: 2, 2\r\n")},
        BadRequest{"signed_length", with_headers("Content-Length: +2\r\n")},
        BadRequest{"negative_length", with_headers("Content-Length: -2\r\n")},
        BadRequest{"hex_length", with_headers("Content-Length: 0x2\r\n")},
        BadRequest{"empty_length", with_headers("Content-Length: \r\n")},
        BadRequest{"huge_length", with_headers("Content-Length: 99999999999999999999\r\n")},
        BadRequest{"unknown_coding", with_headers("Transfer-Encoding: xchunked\r\n")},
        BadRequest{"coding_list", with_headers("Transfer-Encoding: gzip, chunked\r\n")},
        BadRequest{"two_codings", with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        BadRequest{"coding_with_tab", with_headers("Transfer-Encoding: \x0b"
                                                   "chunked\r\n")},
        BadRequest{"space_before_colon", with_headers("Content-Length : 2\r\n")},
        BadRequest{"folded", with_headers("X-A: 1\r\n 2\r\nContent-Length: 2\r\n")},
        BadRequest{"bare_lf", "POST /ingest HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}"},
        BadRequest{"bare_lf_in_headers", with_headers("X-A: 1\nContent-Length: 2\r\n")},
        BadRequest{"bare_cr", with_headers("X-A: 1\rX-B: 2\r\nContent-Length: 2\r\n")},
        BadRequest{"nul", with_headers(std::string("X-A: 1\0", 7) + "2\r\nContent-Length: 2\r\n")},
        BadRequest{"no_host", "POST /ingest HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"},
        BadRequest{"two_hosts", with_headers("Host: y\r\nContent-Length: 2\r\n")},
        BadRequest{"bad_chunk_size", with_headers("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n")},
        BadRequest{"chunk_size_too_large",
                   with_headers("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n")},
        BadRequest{"chunk_without_end", with_headers("Transfer-Encoding: chunked\r\n", "2\r\n{}x\r\n0\r\n\r\n")},
        BadRequest{"garbage", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11)},
        BadRequest{"not_http", "hello there\r\n\r\n"},
        BadRequest{"absolute_garbage", "POST http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n"},
        BadRequest{"huge_header", with_headers("X-A: " + std::string(70'000, 'a') + "\r\n"), 431},
        BadRequest{"many_headers", with_headers([] {
                     std::string lines;
                     for (int i = 0; i < 300; ++i) lines += "X-" + std::to_string(i) + ": 1\r\n";
                     return lines;
                   }()),
                   431},
        BadRequest{"unknown_expectation", with_headers("Expect: smuggled\r\nContent-Length: 2\r\n"), 417},
        BadRequest{"new_version", "POST /smuggled HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        BadRequest{"huge_body", with_headers("Content-Length: 10485761\r\n", ""), 413}),
    [](const auto& test) { return test.param.name; });

TEST(BadInputTest, ATruncatedRequestIsNoEvent) {
  EventReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port())});
  std::string whole = post_text("/ingest", R"({"a":1})");
  double expected = 0;
  for (size_t length = 0; length < whole.size(); length += 7) {
    RawClient client(server.port());
    client.send(whole.substr(0, length));
    client.finish_sending();
    std::string answer = client.read_all();
    EXPECT_EQ(status_of(answer), length > 0 ? 400 : 0) << length << answer;
    if (length > 0) EXPECT_EQ(to_lower(header_of(answer, "Connection")), "close");
    expected += length > 0 ? 1 : 0;
  }
  EXPECT_TRUE(receiver.requests().empty());
  EXPECT_EQ(server.metric(R"(fiso_http_requests_refused_total{reason="incomplete"})"), expected);
  EXPECT_TRUE(server.log().contains(R"("msg":"http request refused","component":"test","reason":"incomplete","status":400)"));
  EXPECT_EQ(status_of(server.post("{}")), 200);
}

TEST(BadInputTest, SlowHeadersAndSlowBodiesAreTimedOut) {
  TestServer server(
      {{"flow.yaml", FlowText{}.str()}, {"fiso.yaml", "http: {headerTimeout: 50ms, bodyTimeout: 50ms, idleTimeout: 50ms}\n"}});
  ASSERT_EQ(server.error(), "");
  RawClient slow_headers(server.port());
  slow_headers.send("POST /ingest HTTP/1.1\r\nHost:");
  std::string answer = slow_headers.read_all();
  EXPECT_EQ(status_of(answer), 408) << answer;
  RawClient slow_body(server.port());
  slow_body.send("POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{");
  answer = slow_body.read_all();
  EXPECT_EQ(status_of(answer), 408) << answer;
  RawClient idle(server.port());
  EXPECT_EQ(status_of(idle.exchange(post_text("/ingest", "{}"))), 200);
  EXPECT_TRUE(idle.at_end());
  expect_told(server, "head_timeout");
  expect_told(server, "body_timeout");
  EXPECT_EQ(status_of(server.post("{}")), 200);
}

TEST(BadInputTest, LimitsAreThoseOfTheSettings) {
  TestServer server(
      {{"flow.yaml", FlowText{}.str()}, {"fiso.yaml", "http: {maxBodyBytes: 10B, maxHeaderBytes: 1KiB, maxHeaders: 5}\n"}});
  if (!server.error().empty()) GTEST_FAIL() << server.error();
  EXPECT_EQ(status_of(server.post("1234567890")), 200);
  EXPECT_EQ(status_of(server.post("12345678901")), 413);
  EXPECT_EQ(status_of(server.post("1", "/ingest", "X-A: " + std::string(1024, 'a') + "\r\n")), 431);
  EXPECT_EQ(status_of(server.post("1", "/ingest", "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n")), 431);
}

TEST(BadInputTest, OneConnectionTooManyIsRefused) {
  TestServer server({{"flow.yaml", FlowText{}.str()},
                     {"other.yaml", FlowText{.name = "other", .address = kOtherAddress}.str()},
                     {"fiso.yaml", "shards: 1\nhttp: {maxConnections: 1}\n"}});
  ASSERT_EQ(server.error(), "");
  RawClient first(server.port());
  EXPECT_EQ(status_of(first.exchange(post_text("/ingest", "{}"))), 200);
  for (const char* address : {kAddress, kOtherAddress}) {
    RawClient second(server.port(address));
    std::string answer = second.read_all();
    EXPECT_EQ(status_of(answer), 503) << answer;
    EXPECT_EQ(header_of(answer, "Retry-After"), "1");
  }
  EXPECT_EQ(server.metric(R"(fiso_http_connections_refused_total{reason="too_many"})"), 2.0);
  EXPECT_EQ(server.metric("fiso_http_connections"), 1.0);
  EXPECT_EQ(server.log().count(R"("msg":"http connection refused")"), 2u);
  EXPECT_EQ(status_of(first.exchange(post_text("/ingest", "{}"))), 200);
}

TEST(BadInputTest, LargeEventsPassThroughGuestAndSink) {
  EventReceiver receiver;
  TestServer server(FlowText{.guest = guest("passthrough"), .sink = http_sink(receiver.port())});
  std::string payload = "\"" + std::string(9 << 20, 'x') + "\"";
  EXPECT_EQ(status_of(server.post(payload)), 200);
  EXPECT_TRUE(receiver.request().ends_with("\"data\":" + payload + "}"));
}

// JSON is read without recursion: depth costs nothing, and what is beyond the limit is refused.
TEST(BadInputTest, DeepJsonIsRefusedAndTheServerGoesOn) {
  EventReceiver receiver;
  auto flow = [&](const std::string& name, const std::string& wasm) {
    return FlowText{.name = name,
                    .path = "/" + name,
                    .guest = wasm,
                    .sink = http_sink(receiver.port()),
                    .more = "errorHandling: {statusMode: precise}\n"}
        .str();
  };
  TestServer server({{"a.yaml", flow("plain", "")}, {"b.yaml", flow("guest", guest("passthrough"))}});
  ASSERT_EQ(server.error(), "");
  auto nested = [](size_t depth, const std::string& open, const std::string& close) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += open;
    text += "1";
    for (size_t i = 0; i < depth; ++i) text += close;
    return text;
  };
  for (auto [open, close] : {std::pair("[", "]"), std::pair(R"({"a":)", "}")}) {
    for (const char* path : {"/plain", "/guest"}) {
      EXPECT_EQ(status_of(server.post(nested(1000, open, close), path)), 200) << path;
      for (size_t depth : {1001, 10'000, 1'000'000}) {
        std::string answer = server.post(nested(depth, open, close), path);
        EXPECT_EQ(status_of(answer), 400) << path << answer;
        EXPECT_NE(answer.find("nested too deeply"), std::string::npos) << answer;
      }
      EXPECT_EQ(status_of(server.post("{}", path)), 200) << path;
    }
  }
  EXPECT_EQ(receiver.requests().size(), 8u);
}

TEST(BadInputTest, ATargetMayBeAUrl) {
  EventReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port())});
  EXPECT_EQ(status_of(server.send("POST http://elsewhere:81/ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")), 200);
  EXPECT_EQ(status_of(server.send("POST http://elsewhere/other HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")), 404);
  EXPECT_EQ(receiver.requests().size(), 1u);
}

TEST(BadInputTest, AChunkedBodyIsABody) {
  EventReceiver receiver;
  TestServer server(FlowText{.sink = http_sink(receiver.port())});
  EXPECT_EQ(status_of(server.send(with_headers("Transfer-Encoding: chunked\r\n", "1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"))), 200);
  EXPECT_TRUE(receiver.request().ends_with("\"data\":{}}"));
}

}  // namespace
}  // namespace fiso::testing

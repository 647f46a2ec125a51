#include "net/http_parser.h"

#include <gtest/gtest.h>

namespace fiso::net {
namespace {

using State = MessageParser::State;

struct Parsed {
  HttpRequest request;
  State state;
  int status;
  std::string text;
  size_t used;
  bool keep_alive;
};

// Fed in pieces of `step` bytes.
Parsed parse(std::string_view bytes, size_t step = SIZE_MAX, MessageLimits limits = {}) {
  Parsed out;
  RequestParser parser(limits, out.request);
  size_t used = 0;
  while (used < bytes.size() && parser.state() != State::kComplete && parser.state() != State::kFailed)
    used += parser.feed(bytes.substr(used, step));
  out.state = parser.state();
  out.status = out.state == State::kFailed ? parser.error_status() : 0;
  out.text = out.state == State::kFailed ? parser.error_text() : "";
  out.used = used;
  out.keep_alive = parser.keep_alive();
  return out;
}

TEST(RequestParser, AWholeMessageIsTakenApart) {
  std::string_view bytes = "POST /orders?a=1 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 5\r\nX-A:  b  \r\n\r\nhelloGET";
  for (size_t step : {size_t{1}, size_t{2}, size_t{7}, bytes.size()}) {
    Parsed p = parse(bytes, step);
    ASSERT_EQ(p.state, State::kComplete) << p.text;
    EXPECT_EQ(p.request.method, "POST");
    EXPECT_EQ(p.request.path(), "/orders");
    EXPECT_EQ(p.request.query(), "a=1");
    EXPECT_EQ(p.request.headers.find("x-a"), "b");
    EXPECT_EQ(p.request.body, "hello");
    EXPECT_EQ(p.used, bytes.size() - 3);
    EXPECT_TRUE(p.keep_alive);
  }
}

// Those that llhttp has never heard of, those that it takes for another protocol's, and what only begins like one that it knows.
TEST(RequestParser, AnyTokenIsAMethod) {
  for (std::string method : {"CUSTOM", "SETUP", "PLAY", "GETX", "G", "M-SEARCH", "X!#$%&'*+.^_`|~9", "PROPFIND", "TRACE"}) {
    std::string bytes = method + " /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi" + "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size_t step : {size_t{1}, size_t{2}, size_t{5}, SIZE_MAX}) {
      Parsed p = parse(bytes, step);
      ASSERT_EQ(p.state, State::kComplete) << method << p.text;
      EXPECT_EQ(p.request.method, method);
      EXPECT_EQ(p.request.target, "/a");
      EXPECT_EQ(p.request.body, "hi");
    }
  }
}

// RFC 9112 section 3.2.2.
TEST(RequestParser, AUrlAsTargetIsItsPathAndItsHostCounts) {
  for (auto [url, target, host] : {std::tuple("http://y/orders?a=1", "/orders?a=1", "y"), std::tuple("HTTP://Y:81", "/", "y:81"),
                                   std::tuple("https://[::1]:80?a", "/?a", "[::1]:80")}) {
    for (size_t step : {size_t{1}, SIZE_MAX}) {
      Parsed p = parse("GET " + std::string(url) + " HTTP/1.1\r\nHost: x\r\n\r\n", step);
      ASSERT_EQ(p.state, State::kComplete) << url << p.text;
      EXPECT_EQ(p.request.target, target);
      EXPECT_EQ(p.request.headers.find("Host"), host);
    }
  }
}

TEST(RequestParser, ChunksAreJoinedAndTrailersDropped) {
  std::string_view bytes =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5;name=value\r\nhello\r\nA\r\n world, hi\r\n0\r\nX-Trailer: 1\r\n\r\n";
  for (size_t step : {size_t{1}, size_t{3}, bytes.size()}) {
    Parsed p = parse(bytes, step);
    ASSERT_EQ(p.state, State::kComplete) << p.text;
    EXPECT_EQ(p.request.body, "hello world, hi");
    EXPECT_FALSE(p.request.headers.contains("x-trailer"));
    EXPECT_EQ(p.used, bytes.size());
  }
}

TEST(RequestParser, ConnectionAndVersionDecideAboutKeepAlive) {
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(RequestParser, AnOfferToUpgradeIsAnOrdinaryRequest) {
  Parsed p = parse("GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET / H");
  EXPECT_EQ(p.state, State::kComplete);
  EXPECT_EQ(p.request.target, "/chat");
}

TEST(RequestParser, OneParserReadsMessageAfterMessage) {
  HttpRequest request;
  RequestParser parser({}, request);
  std::string_view bytes = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  bytes.remove_prefix(parser.feed(bytes));
  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(request.body, "a");
  parser.next();
  EXPECT_EQ(parser.feed(bytes), bytes.size());
  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(request.target, "/2");
  EXPECT_EQ(request.body, "");
}

TEST(RequestParser, OnlyAClientOfHttp11WaitsForContinue) {
  HttpRequest request;
  RequestParser parser({}, request);
  parser.feed("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_TRUE(parser.expects_continue());
  parser.next();
  parser.feed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  EXPECT_FALSE(parser.expects_continue());
}

struct Bad {
  const char* name;
  std::string bytes;
  int status = 400;
};

class RefusedRequest : public ::testing::TestWithParam<Bad> {};

TEST_P(RefusedRequest, IsRefusedHoweverItArrives) {
  const Bad& bad = GetParam();
  for (size_t step : {size_t{1}, size_t{5}, bad.bytes.size()}) {
    Parsed p = parse(bad.bytes, step);
    EXPECT_EQ(p.state, State::kFailed) << "in steps of " << step;
    EXPECT_EQ(p.status, bad.status) << p.text;
    EXPECT_FALSE(p.text.empty());
  }
}

std::string with_fields(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

std::string chunked(std::string_view body) { return with_fields("Transfer-Encoding: chunked\r\n", body); }

using namespace std::string_literals;

const Bad kBad[] = {
    // Line ends and white space.
    {"BareLfAfterRequestLine", "GET / HTTP/1.1\nHost: x\r\n\r\n"},
    {"BareLfAfterField", with_fields("X-A: b\nX-C: d\r\n")},
    {"BareLfEndsHead", "GET / HTTP/1.1\r\nHost: x\r\n\n"},
    {"BareCrAfterField", with_fields("X-A: b\rX-C: d\r\n")},
    {"BareCrInName", with_fields("X\r-A: b\r\n")},
    {"CrCrLf", with_fields("X-A: b\r\r\n")},
    {"NulInValue", with_fields("X-A: b\0c\r\n"s)},
    {"NulInName", with_fields("X\0A: b\r\n"s)},
    {"ControlInValue", with_fields("X-A: b\x01\r\n")},
    {"FoldedField", with_fields("X-A: b\r\n c\r\n")},
    {"FoldedByTab", with_fields("X-A: b\r\n\tc\r\n")},
    {"FoldedFirstField", "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
    {"SpaceBeforeColon", with_fields("Content-Length : 0\r\n")},
    {"TabBeforeColon", with_fields("X-A\t: 0\r\n")},
    {"NoColon", with_fields("X-A\r\n")},
    {"EmptyName", with_fields(": b\r\n")},
    {"BadNameChar", with_fields("X(A): b\r\n")},
    {"LeadingSpace", " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"LeadingEmptyLine", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"LeadingLf", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    // Lengths.
    {"SignedLength", with_fields("Content-Length: +5\r\n", "hello")},
    {"NegativeLength", with_fields("Content-Length: -5\r\n", "hello")},
    {"EmptyLength", with_fields("Content-Length: \r\n", "hello")},
    {"NoLengthAtAll", with_fields("Content-Length:\r\n", "hello")},
    {"HexLength", with_fields("Content-Length: 0x5\r\n", "hello")},
    {"SpacedLength", with_fields("Content-Length: 5 5\r\n", "hello")},
    {"ListOfLengths", with_fields("Content-Length: 5, 5\r\n", "hello")},
    {"TwoEqualLengths", with_fields("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
    {"TwoLengths", with_fields("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
    {"OverflowingLength", with_fields("Content-Length: 18446744073709551621\r\n", "hello")},
    {"HugeLength", with_fields("Content-Length: 999999999999\r\n", "hello"), 413},
    // Codings.
    {"LengthAndChunked", with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"ChunkedAndLength", with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
    {"LengthAndIdentity", with_fields("Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello")},
    {"OtherCoding", with_fields("Transfer-Encoding: gzip\r\n", "0\r\n\r\n")},
    {"CodingBeforeChunked", with_fields("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
    {"CodingAfterChunked", with_fields("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")},
    {"ChunkedTwice", with_fields("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
    {"TwoCodings", with_fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"AlmostChunked", with_fields("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
    {"QuotedChunked", with_fields("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
    {"EmptyCoding", with_fields("Transfer-Encoding:\r\n", "0\r\n\r\n")},
    {"ChunkedInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    // Chunks.
    {"ChunkSizeNotHex", chunked("g\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeSigned", chunked("+5\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizePrefixed", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeSpaced", chunked("5 \r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeEmpty", chunked("\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeOverflows", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
    {"ChunkSizeBareLf", chunked("5\nhello\r\n0\r\n\r\n")},
    {"ChunkWithoutLineEnd", chunked("5\r\nhello0\r\n\r\n")},
    {"ChunkEndBareLf", chunked("5\r\nhello\n0\r\n\r\n")},
    {"ChunkTooLong", chunked("4\r\nhello\r\n0\r\n\r\n")},
    {"ChunkExtensionBareLf", chunked("5;a\nhello\r\n0\r\n\r\n")},
    {"ChunkExtensionControl", chunked("5;a\x01\r\nhello\r\n0\r\n\r\n")},
    {"LastChunkBareLf", chunked("0\n\n")},
    {"BadTrailer", chunked("0\r\nX A: b\r\n\r\n")},
    // Hosts.
    {"NoHost", "GET / HTTP/1.1\r\n\r\n"},
    {"TwoHosts", with_fields("Host: y\r\n")},
    {"HostWithSpace", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {"HostWithUser", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
    // Request lines.
    {"UrlOfAnotherScheme", "GET ftp://y/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"UrlWithUser", "GET http://u@y/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"UrlWithoutHost", "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"UrlWithHalfAnAddress", "GET http://[::1/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"UrlWithFragment", "GET http://y/#a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"UrlAndNoHostField", "GET http://y/ HTTP/1.1\r\n\r\n"},
    {"UrlAndTwoHostFields", "GET http://y/ HTTP/1.1\r\nHost: y\r\nHost: y\r\n\r\n"},
    {"Connect", "CONNECT y:443 HTTP/1.1\r\nHost: y\r\n\r\n"},
    {"StarForGet", "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"RelativeTarget", "GET a HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"NoTarget", "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"ControlInTarget", "GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"TabInTarget", "GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"DelInTarget", "GET /a\x7f HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"NulInTarget", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n"s},
    {"NonAsciiTarget", "GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"LowerCaseMethod", "get / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"BadCharInUnknownMethod", "FO:O / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"EndlessMethod", "X" + std::string(64, 'X') + " / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"TwoSpacesAfterUnknownMethod", "FOO  / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"OptionsStarByAnotherMethod", "FOO * HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"BadMethodChar", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"TwoSpaces", "GET  / HTTP/1.1 \r\nHost: x\r\n\r\n"},
    {"SpaceAfterVersion", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"},
    {"NoVersion", "GET /\r\nHost: x\r\n\r\n"},
    {"OtherProtocol", "GET / ICE/1.0\r\nHost: x\r\n\r\n"},
    {"RtspMethod", "SETUP / RTSP/1.0\r\nHost: x\r\n\r\n"},
    {"RtspProtocol", "OPTIONS / RTSP/1.0\r\nHost: x\r\n\r\n"},
    {"ShortLineEndMadeUpFor", "GET  / HTTP/1.1\nHost: x\r\n\r\n"},
    {"SpaceInTarget", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"TabInRequestLine", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"TlsHello", "\x16\x03\x01\x02\x00\x01"s},
    {"OldVersion", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
    {"NewVersion", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
    {"UnknownVersion", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"OtherExpectation", with_fields("Expect: tea\r\n"), 417},
};

INSTANTIATE_TEST_SUITE_P(Families, RefusedRequest, ::testing::ValuesIn(kBad),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(RequestLimits, HeaderBytesFieldsAndBodyAreBounded) {
  MessageLimits limits{.header_bytes = 200, .header_fields = 3, .body_bytes = 10};
  for (size_t step : {size_t{1}, SIZE_MAX}) {
    EXPECT_EQ(parse(with_fields("X-A: " + std::string(300, 'a') + "\r\n"), step, limits).status, 431);
    EXPECT_EQ(parse("GET /" + std::string(300, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", step, limits).status, 431);
    EXPECT_EQ(parse(with_fields("A: 1\r\nB: 2\r\nC: 3\r\n"), step, limits).status, 431);
    EXPECT_EQ(parse(with_fields("Content-Length: 11\r\n"), step, limits).status, 413);
    EXPECT_EQ(parse(chunked("b\r\n"
                            "12345678901\r\n0\r\n\r\n"),
                    step, limits)
                  .status,
              413);
    EXPECT_EQ(parse(with_fields("Content-Length: 10\r\n", "1234567890"), step, limits).state, State::kComplete);
  }
}

TEST(RequestLimits, WhatNoFieldCountsIsBoundedToo) {
  MessageLimits limits{.header_bytes = 200, .header_fields = 10, .body_bytes = 1000};
  EXPECT_EQ(parse(with_fields("X-A:" + std::string(500, ' ') + "b\r\n"), 50, limits).status, 431);
  EXPECT_EQ(parse(chunked(std::string(1000, '0') + "1\r\na\r\n0\r\n\r\n"), 50, limits).state, State::kFailed);
  EXPECT_EQ(parse(chunked("1;" + std::string(1000, 'e') + "\r\na\r\n0\r\n\r\n"), 50, limits).state, State::kFailed);
  EXPECT_EQ(parse(chunked("0\r\nX-A: " + std::string(1000, 'e') + "\r\n\r\n"), 50, limits).state, State::kFailed);
}

TEST(RequestLimits, OneByteChunksAreStillABody) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "1\r\nx\r\n";
  MessageLimits limits{.header_bytes = 200, .header_fields = 10, .body_bytes = 5000};
  EXPECT_EQ(parse(chunked(body + "0\r\n\r\n"), 100, limits).request.body, std::string(5000, 'x'));
}

struct Answer {
  HttpResponse response;
  State state;
  bool keep_alive;
  size_t used;
};

Answer parse_response(std::string_view bytes, ResponseParser::Body body = ResponseParser::Body::kByHeaders, bool close = false) {
  Answer out;
  ResponseParser parser({.header_bytes = 1000, .header_fields = 20, .body_bytes = 100}, out.response);
  parser.next(body);
  out.used = parser.feed(bytes);
  if (close) parser.finish();
  out.state = parser.state();
  out.keep_alive = parser.keep_alive();
  return out;
}

TEST(ResponseParser, LengthChunksAndCloseEndABody) {
  Answer sized = parse_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(sized.state, State::kComplete);
  EXPECT_EQ(sized.response.body, "hi");
  EXPECT_TRUE(sized.keep_alive);

  Answer chunked = parse_response("HTTP/1.1 503 \r\nTransfer-Encoding: chunked\r\nRetry-After: 3\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.state, State::kComplete);
  EXPECT_EQ(chunked.response.status, 503);
  EXPECT_EQ(chunked.response.headers.find("retry-after"), "3");

  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\r\n\r\nhi").state, State::kBody);
  Answer closed = parse_response("HTTP/1.1 200 OK\r\n\r\nhi", ResponseParser::Body::kByHeaders, true);
  EXPECT_EQ(closed.state, State::kComplete);
  EXPECT_EQ(closed.response.body, "hi");
  EXPECT_FALSE(closed.keep_alive);
}

TEST(ResponseParser, SomeAnswersHaveNoBody) {
  Answer head = parse_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", ResponseParser::Body::kNone);
  EXPECT_EQ(head.state, State::kComplete);
  EXPECT_EQ(parse_response("HTTP/1.1 204 No Content\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(parse_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(parse_response("HTTP/1.1 100 Continue\r\n\r\n").state, State::kComplete);
}

TEST(ResponseParser, ABodyThatIsDroppedIsFramedAndBoundedAllTheSame) {
  constexpr auto kDropped = ResponseParser::Body::kDropped;
  std::string head = "HTTP/1.1 200 OK\r\nContent-Length: ", chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string two = head + "2\r\n\r\nhi";
  Answer sized = parse_response(two + "HTTP/1.1", kDropped);
  EXPECT_EQ(sized.state, State::kComplete);
  EXPECT_EQ(sized.used, two.size());
  EXPECT_EQ(sized.response.body, "");
  EXPECT_EQ(parse_response(chunked + "2\r\nhi\r\n0\r\n\r\n", kDropped).state, State::kComplete);
  EXPECT_EQ(parse_response(head + "101\r\n\r\n", kDropped).state, State::kFailed);
  EXPECT_EQ(parse_response(chunked + "65\r\n" + std::string(101, 'x'), kDropped).state, State::kFailed);
  EXPECT_EQ(parse_response(chunked + "3c\r\n" + std::string(60, 'x') + "\r\n3c\r\n" + std::string(60, 'x'), kDropped).state,
            State::kFailed);
}

TEST(ResponseParser, ACloseInTheMiddleIsNotAnEnd) {
  EXPECT_NE(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", ResponseParser::Body::kByHeaders, true).state,
            State::kComplete);
  EXPECT_NE(parse_response("HTTP/1.1 200 OK\r\nContent-Le", ResponseParser::Body::kByHeaders, true).state, State::kComplete);
  EXPECT_NE(
      parse_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", ResponseParser::Body::kByHeaders, true)
          .state,
      State::kComplete);
}

TEST(ResponseParser, AmbiguousAnswersAreRefused) {
  for (std::string_view bytes : {
           "garbage",
           "ICY 200 OK\r\n\r\n",
           "HTTP/1.1 99 X\r\n\r\n",
           "HTTP/1.1 abc X\r\n\r\n",
           "HTTP/2.0 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
           "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi",
           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX-A: b\n\r\n\r\n",
           "HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n",
           "HTTP/1.1 200 OK\nX-A: b\r\n\r\n",
           "RTSP/1.0 200 OK\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n",
           "HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       })
    EXPECT_EQ(parse_response(bytes).state, State::kFailed) << bytes;
}

}  // namespace
}  // namespace fiso::net

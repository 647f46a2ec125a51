// Clients of HTTP/2 that mean harm: what they cost is bounded, and who behaves is served meanwhile.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "net/http2_session.h"
#include "net/testing/http2_fixture.h"

namespace fiso::net {
namespace {

using std::chrono::milliseconds;
using testing::Http2Peer;
using testing::RawClient;

constexpr uint8_t kData = 0, kHeaders = 1, kPriority = 2, kRst = 3, kSettings = 4, kPing = 6, kWindowUpdate = 8,
                  kContinuation = 9;
constexpr uint8_t kEndStream = 1, kEndHeaders = 4;
// :method GET, :scheme http, :path /, :authority x: indexes of HPACK's static table, the last a literal that is not kept (RFC
// 7541 appendix A).
constexpr std::string_view kGet("\x82\x86\x84\x01\x01x", 6), kGetWait("\x82\x86\x04\x05/wait\x01\x01x", 12);
constexpr size_t kMuch = 64 << 20;
const std::string kCancel("\0\0\0\x08", 4);

class Http2Hostile : public testing::Http2Fixture {
 protected:
  // A frame after the other until the server has had enough; how many it took. What it says meanwhile is not read.
  int until_cut(Http2Peer& client, int most, const std::function<bool(int)>& send) {
    for (int i = 0; i < most; ++i)
      if (!send(i)) return i;
    client.until([] { return false; });
    return most;
  }
};

TEST_F(Http2Hostile, RequestsThatAreGivenUpAtOnceAreNotHandledWithoutEnd) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  until_cut(client, 20'000, [&](int i) {
    int32_t stream = 3 + 2 * i;
    return client.send_frame(kHeaders, kEndHeaders | kEndStream, stream, kGetWait) && client.send_frame(kRst, 0, stream, kCancel);
  });
  EXPECT_LE(echo_->most_at_once.load(), static_cast<int>(kHttp2Streams) + 1);
  EXPECT_EQ(refused_connections("flood"), 1u);
  expect_good_traffic();
}

TEST_F(Http2Hostile, StreamsBeyondTheLimitAreRefused) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.until([&] {
    return nghttp2_session_get_remote_settings(client.raw(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == kHttp2Streams;
  });
  for (int i = 0; i < 300; ++i) client.send_frame(kHeaders, kEndHeaders | kEndStream, 1 + 2 * i, kGetWait);
  expect_good_traffic();
  EXPECT_LE(echo_->most_at_once.load(), static_cast<int>(kHttp2Streams) + 1);
}

TEST_F(Http2Hostile, AHeadWithoutEndIsCut) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  client.send_frame(kHeaders, 0, 3, kGet);
  int taken = until_cut(client, 20'000, [&](int) { return client.send_frame(kContinuation, 0, 3, std::string(100, '\x82')); });
  EXPECT_LT(taken, 20'000);
  expect_good_traffic();
}

TEST_F(Http2Hostile, AHeadThatStopsToArriveIsNotWaitedForForever) {
  ServerLimits limits;
  limits.header_timeout = milliseconds(60);
  RawClient socket(start(limits));
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  client.send_frame(kHeaders, 0, 3, kGet);
  EXPECT_FALSE(client.until([] { return false; }));
  EXPECT_EQ(refused_requests("head_timeout"), 1u);
}

// One large field that goes into the table, and references to it of a byte each.
std::string growing_head(size_t references) {
  return std::string(kGet) +
         std::string(
             "\x40\x01"
             "a\x7f\xa1\x1e",
             6) +
         std::string(4000, 'v') +          // literal with indexing: a: v*4000
         std::string(references, '\xbe');  // index 62: that field again
}

TEST_F(Http2Hostile, AHeadThatGrowsOnUnpackingIsRefused) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  client.send_frame(kHeaders, kEndHeaders | kEndStream, 3, growing_head(100));
  while (refused_requests("head_too_large") == 0) std::this_thread::yield();
  expect_good_traffic();
}

TEST_F(Http2Hostile, AHeadThatGrowsBeyondAllMeasureIsNotUnpacked) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  client.send_frame(kHeaders, kEndHeaders | kEndStream, 3, growing_head(12'000));
  EXPECT_FALSE(client.until([] { return false; }));
  EXPECT_EQ(refused_connections("flood"), 1u);
  expect_good_traffic();
}

TEST_F(Http2Hostile, HeadsThatAreTooLargeAreNotUnpackedWithoutEnd) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  client.send_frame(kHeaders, kEndHeaders | kEndStream, 3, growing_head(100));
  const std::string again = std::string(kGet) + std::string(100, '\xbe');
  until_cut(client, 20'000, [&](int i) {
    // No more of them open at a time than may be.
    bool all_answered = i % 50 != 0;
    while (!all_answered && refused_connections("flood") == 0)
      all_answered = refused_requests("head_too_large") > static_cast<uint64_t>(i);
    return client.send_frame(kHeaders, kEndHeaders | kEndStream, 5 + 2 * i, again);
  });
  EXPECT_EQ(refused_connections("flood"), 1u);
  expect_good_traffic();
}

TEST_F(Http2Hostile, CookieCrumbsWithoutEndAreRefused) {
  RawClient socket(start());
  Http2Peer client(socket);
  Http2Peer::Fields crumbs(1000, {"cookie", ""});
  EXPECT_EQ(client.wait_closed(client.ask("GET", "/", "", crumbs)).status(), 431);
}

TEST_F(Http2Hostile, QuestionsWithoutEndWhoseAnswersNobodyReadsAreCut) {
  for (uint8_t type : {kPing, kSettings}) {
    RawClient socket(server_ == nullptr ? start() : server_->port());
    Http2Peer client(socket);
    client.wait_closed(client.ask("GET", "/"));
    const std::string one =
        std::string(type == kPing ? "\0\0\x08\x06\0\0\0\0\0pppppppp" : "\0\0\0\x04\0\0\0\0\0", type == kPing ? 17 : 9);
    std::string many;
    for (int i = 0; i < 1000; ++i) many += one;
    // It stops to read, or cuts us, long before it has read all that.
    size_t taken = 0, last = 0;
    for (int pauses = 0; pauses < 100 && taken < kMuch;) {
      ssize_t sent = ::send(socket.fd(), many.data(), many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) break;
      if (sent > 0) std::rotate(many.begin(), many.begin() + sent % static_cast<ssize_t>(one.size()), many.end());
      taken += sent > 0 ? static_cast<size_t>(sent) : 0;
      if (sent < 0) expect_good_traffic();
      pauses = std::exchange(last, taken) == taken ? pauses + 1 : 0;
    }
    EXPECT_LT(taken, kMuch);
  }
}

TEST_F(Http2Hostile, FramesThatAreWrongEndTheConnection) {
  struct Case {
    uint8_t type, flags;
    int32_t stream;
    std::string payload;
  };
  const Case cases[] = {
      {kData, 0, 0, "x"},                                      // of no stream
      {kData, 0, 5, "x"},                                      // of a stream that is not there
      {kHeaders, kEndHeaders, 2, std::string(kGet)},           // of a stream that is ours to open
      {kHeaders, kEndHeaders, 3, "\xff\xff\xff\xff\xff\xff"},  // not HPACK
      {kContinuation, kEndHeaders, 3, std::string(kGet)},      // of nothing
      {kSettings, 0, 1, ""},
      {kSettings, 0, 0, "abc"},
      {kPing, 0, 0, "short"},
      {kWindowUpdate, 0, 0, std::string(4, '\0')},
      {kWindowUpdate, 0, 0, "\x7f\xff\xff\xff"},
      {kRst, 0, 7, kCancel},                            // of a stream that is idle
      {5, kEndHeaders, 3, std::string("\0\0\0\2", 4)},  // PUSH_PROMISE
  };
  uint16_t port = start();
  for (const Case& bad : cases) {
    RawClient socket(port);
    Http2Peer client(socket);
    EXPECT_EQ(client.wait_closed(client.ask("GET", "/")).status(), 200);
    client.send_frame(bad.type, bad.flags, bad.stream, bad.payload);
    EXPECT_FALSE(client.until([] { return false; })) << int{bad.type} << " " << bad.stream;
    EXPECT_TRUE(client.gone_away()) << int{bad.type} << " " << bad.stream;
    EXPECT_NE(client.goaway_error(), 0u);
  }
  expect_good_traffic();
}

TEST_F(Http2Hostile, DataBehindTheEndOfAStreamIsRefused) {
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t stream = client.ask("GET", "/wait");
  client.send_frame(kData, 0, stream, "more");
  auto& answer = client.wait_closed(stream);
  EXPECT_TRUE(answer.error != 0 || client.gone_away());
  release();
  expect_good_traffic();
}

TEST_F(Http2Hostile, PrioritiesWithoutEndCostNothing) {
  RawClient socket(start());
  Http2Peer client(socket);
  client.wait_closed(client.ask("GET", "/"));
  for (int i = 0; i < 20'000; ++i) client.send_frame(kPriority, 0, 3 + 2 * i, std::string(5, '\0'));
  expect_good_traffic();
}

TEST_F(Http2Hostile, EmptyDataWithoutEndCostsNothing) {
  echo_->streams = true;
  RawClient socket(start());
  Http2Peer client(socket);
  int32_t stream = client.begin("POST", "/");
  for (int i = 0; i < 20'000; ++i) client.send_frame(kData, 0, stream, "");
  client.send_frame(kData, kEndStream, stream, "x");
  EXPECT_EQ(client.wait_head(stream).status(), 200);
  expect_good_traffic();
}

TEST_F(Http2Hostile, WhoReadsNothingAtAllIsCut) {
  ServerLimits limits;
  limits.write_timeout = milliseconds(60);
  uint16_t port = start(limits);
  RawClient socket(port);
  Http2Peer client(socket);
  client.open_window(0, 1 << 30);
  nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30};
  nghttp2_submit_settings(client.raw(), NGHTTP2_FLAG_NONE, &window, 1);
  for (int i = 0; i < 20; ++i) client.ask("GET", "/big");
  while (refused_connections("slow_reader") == 0) std::this_thread::yield();
  expect_good_traffic();
}

}  // namespace
}  // namespace fiso::net

#include "link/content_coding.h"

#include <gtest/gtest.h>
#include <zlib.h>

namespace fiso::link {
namespace {

constexpr int kGzip = 16 + MAX_WBITS, kZlib = MAX_WBITS, kRaw = -MAX_WBITS;
constexpr size_t kMost = 1 << 20;

std::string coded(std::string text, int window) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string decoded(std::string_view coding, std::string body, size_t most = kMost) {
  HeaderList headers;
  headers.add("Content-Encoding", coding);
  auto done = decode_content(headers, body, most);
  if (!done.has_value()) return "error: " + done.error().message();
  EXPECT_FALSE(headers.contains("content-encoding"));
  return body;
}

TEST(ContentCoding, GzipAndBothKindsOfDeflateAreUndone) {
  std::string text(300'000, 'x');
  EXPECT_EQ(decoded("gzip", coded(text, kGzip)), text);
  EXPECT_EQ(decoded("X-GZIP", coded("a", kGzip)), "a");
  EXPECT_EQ(decoded("deflate", coded(text, kZlib)), text);
  EXPECT_EQ(decoded(" Deflate ", coded(text, kRaw)), text);
  EXPECT_EQ(decoded("gzip", ""), "");
}

TEST(ContentCoding, MembersOneAfterTheOtherAreOneBody) {
  EXPECT_EQ(decoded("gzip", coded("one", kGzip) + coded("two", kGzip)), "onetwo");
}

TEST(ContentCoding, WhatIsNotWhatItSaysIsRefused) {
  std::string whole = coded("some text that is long enough", kGzip);
  for (const std::string& body : {std::string("plain"), whole.substr(0, whole.size() - 1), whole.substr(0, 5), whole + "rest"})
    EXPECT_EQ(decoded("gzip", body), "error: the body is not what its Content-Encoding says") << body.size();
}

TEST(ContentCoding, ABombIsRefusedAtTheBound) {
  std::string bomb = coded(std::string(50 << 20, '\0'), kGzip);
  ASSERT_LT(bomb.size(), 100'000U);
  EXPECT_EQ(decoded("gzip", bomb), "error: the decoded body is too large");
  for (int window : {kZlib, kRaw})
    EXPECT_EQ(decoded("deflate", coded(std::string(50 << 20, '\0'), window)), "error: the decoded body is too large") << window;
  std::string one = coded(std::string(1000, 'x'), kGzip), many;
  for (int i = 0; i < 2000; ++i) many += one;
  EXPECT_EQ(decoded("gzip", many), "error: the decoded body is too large");
  EXPECT_EQ(decoded("gzip", coded(std::string(kMost, 'x'), kGzip)).size(), kMost);
  EXPECT_EQ(decoded("gzip", coded(std::string(kMost + 1, 'x'), kGzip)), "error: the decoded body is too large");
}

TEST(ContentCoding, FieldsOfTheCodedFormGoWithIt) {
  HeaderList headers;
  for (std::string_view name : {"Content-Encoding", "Content-Length", "Content-Type"}) headers.add(name, "gzip");
  std::string body = coded("a", kGzip);
  ASSERT_TRUE(decode_content(headers, body, kMost).has_value());
  EXPECT_EQ(headers.size(), 1U);
}

TEST(ContentCoding, OtherCodingsStay) {
  for (std::string_view coding : {"br", "gzip, gzip", "identity", ""}) {
    HeaderList headers;
    headers.add("Content-Encoding", coding);
    std::string body = "as it is";
    ASSERT_TRUE(decode_content(headers, body, kMost).has_value());
    EXPECT_EQ(body, "as it is");
    EXPECT_TRUE(headers.contains("content-encoding"));
  }
}

TEST(ContentCoding, CodingsInSeveralFieldsStay) {
  std::string twice = coded(coded("a", kGzip), kGzip), body = twice;
  HeaderList headers;
  headers.add("Content-Encoding", "gzip");
  headers.add("content-encoding", "gzip");
  ASSERT_TRUE(decode_content(headers, body, kMost).has_value());
  EXPECT_EQ(body, twice);
  EXPECT_EQ(headers.size(), 2U);
}

}  // namespace
}  // namespace fiso::link

#include "net/uri.h"

#include <gtest/gtest.h>

namespace fiso::net {
namespace {

TEST(Uri, IsTakenApart) {
  Uri uri = *parse_uri("http://Example.com:8080/a/b?c=d&e=%20");
  EXPECT_EQ(uri.scheme, Scheme::kHttp);
  EXPECT_EQ(uri.host, "example.com");
  EXPECT_EQ(uri.port, 8080);
  EXPECT_EQ(uri.target, "/a/b?c=d&e=%20");
  EXPECT_EQ(uri.authority(), "example.com:8080");
}

TEST(Uri, WhatIsLeftOutHasItsDefault) {
  Uri uri = *parse_uri("HTTPS://x?y");
  EXPECT_EQ(uri.scheme, Scheme::kHttps);
  EXPECT_EQ(uri.port, 443);
  EXPECT_EQ(uri.target, "/?y");
  EXPECT_EQ(uri.authority(), "x");
  EXPECT_EQ(parse_uri("http://x:80")->authority(), "x");
  EXPECT_EQ(parse_uri("http://x:443")->authority(), "x:443");
}

TEST(Uri, AnIpv6LiteralIsInBrackets) {
  Uri uri = *parse_uri("http://[::1]:81/");
  EXPECT_EQ(uri.host, "::1");
  EXPECT_EQ(uri.port, 81);
  EXPECT_EQ(uri.authority(), "[::1]:81");
}

TEST(Uri, WhatIsNotOneIsRefusedWithoutQuotingIt) {
  for (std::string_view text : {"",
                                "x",
                                "//x/",
                                "ftp://x/",
                                "http:/x",
                                "http://",
                                "http:///a",
                                "http://user:secret@x/",
                                "http://x:0/",
                                "http://x:65536/",
                                "http://x:/",
                                "http://x:+1/",
                                "http://x:1a/",
                                "http://::1/",
                                "http://[::1/",
                                "http://[x]/",
                                "http://[::1]x/",
                                "http://a b/",
                                "http://x/a b",
                                "http://x/a#b",
                                "http://x/\r\nY: z",
                                "http://x/%",
                                "http://x/%2",
                                "http://x/%zz",
                                "http://x/\xc3\xa4",
                                "http://x\\y/",
                                "http://x,y/"}) {
    Result<Uri> uri = parse_uri(text);
    ASSERT_FALSE(uri.has_value()) << text;
    EXPECT_EQ(uri.error().code(), ErrorCode::kInvalidInput);
    EXPECT_EQ(uri.error().message().find("secret"), std::string::npos);
  }
}

TEST(Uri, ANulEndsNoAddress) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(parse_uri("http://[::1\0\r\nX: y]/"sv).has_value());
  EXPECT_FALSE(parse_uri("http://[::ffff:2\0.2.0.0.1]/"sv).has_value());
}

}  // namespace
}  // namespace fiso::net

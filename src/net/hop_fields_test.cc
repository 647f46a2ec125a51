#include "net/hop_fields.h"

#include <gtest/gtest.h>

namespace fiso::net {
namespace {

TEST(HopFields, AreKnownInAnyCase) {
  for (std::string_view name :
       {"TE", "Expect", "upgrade", "Trailer", "CONNECTION", "Keep-Alive", "HTTP2-Settings", "Proxy-Connection",
        "Transfer-Encoding", "Proxy-Authenticate", "proxy-authorization", "Proxy-Authentication-Info"})
    EXPECT_TRUE(is_hop_field(name)) << name;
  for (std::string_view name :
       {"", "Host", "Date", "Cookie", "Content-Type", "Content-Length", "Keep-Alives", "Authorization", "Proxy-Status"})
    EXPECT_FALSE(is_hop_field(name)) << name;
}

TEST(HopFields, WhatConnectionNamesGoesToo) {
  HeaderList headers;
  headers.add("Connection", "keep-alive, X-Mine,, x-other");
  headers.add("X-Mine", "1");
  headers.add("x-mine", "2");
  headers.add("X-Other", "3");
  headers.add("X-Stays", "4");
  headers.add("Cookie", "5");
  headers.add("connection", "Cookie, Host, close");
  strip_named_hop_fields(headers);
  EXPECT_FALSE(headers.contains("X-Mine"));
  EXPECT_FALSE(headers.contains("X-Other"));
  EXPECT_TRUE(headers.contains("X-Stays"));
  EXPECT_TRUE(headers.contains("Cookie"));
}

}  // namespace
}  // namespace fiso::net

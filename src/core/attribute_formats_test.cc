#include "core/attribute_formats.h"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace fiso::core {
namespace {

TEST(UriReference, WhatIsOneStaysAsItIs) {
  for (const char* text : {"my-service", "/a/b", "../x", "a/b:c", "?q", "#f", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
                           "mailto:a@b.c", "https://user@host:8443/p?q=1&r#f", "http://[2001:db8::1]:80/", "file:///x",
                           "//host/x", "a%20b", "fiso-flow/orders", "http://example.com", "tag:example.com,2000:x"})
    EXPECT_EQ(to_uri_reference(text), text);
}

TEST(UriReference, WhatOnlyNeedsEncodingIsEncoded) {
  EXPECT_EQ(to_uri_reference("my service"), "my%20service");
  EXPECT_EQ(to_uri_reference("caf\xc3\xa9"), "caf%C3%A9");
  EXPECT_EQ(to_uri_reference("a\"<>\\^`{|}[b]"), "a%22%3C%3E%5C%5E%60%7B%7C%7D%5Bb%5D");
  EXPECT_EQ(to_uri_reference("a#b#c"), "a#b%23c");
  EXPECT_EQ(to_uri_reference("http://h/[x] y"), "http://h/%5Bx%5D%20y");
}

TEST(UriReference, WhatCannotBeOneIsNone) {
  for (const char* text : {"", "10.0.0.1:80/x", ":x", "a b:c", "1:2", "50%", "a%2", "a%zz", "a\nb", "a\x7f", "http://a b/",
                           "http://[::1/", "http://[]/", "http://[a b]/", "http://h:8x/", "http://h:80:90/"})
    EXPECT_EQ(to_uri_reference(text), std::nullopt) << text;
  EXPECT_EQ(to_uri_reference(std::string_view("a\0b", 3)), std::nullopt);
}

TEST(UriReference, AnyTextIsASegment) {
  EXPECT_EQ(to_uri_segment("orders-1_v2.x"), "orders-1_v2.x");
  EXPECT_EQ(to_uri_segment("a/b?c#d e%"), "a%2Fb%3Fc%23d%20e%25");
  EXPECT_EQ(to_uri_segment("\xc3\xa4"), "%C3%A4");
}

TEST(Timestamp, IsThatOfRfc3339) {
  for (const char* text : {"2020-01-02T03:04:05Z", "2020-01-02t03:04:05z", "2020-02-29T23:59:60Z", "1985-04-12T23:20:50.52Z",
                           "1996-12-19T16:39:57-08:00", "1937-01-01T12:00:27.87+00:20", "2020-01-02T03:04:05.123456789Z"})
    EXPECT_TRUE(is_timestamp(text)) << text;
  for (const char* text :
       {"", "now", "2020-01-02", "2020-01-02T03:04:05", "2020-01-02 03:04:05Z", "2020-01-02T03:04Z", "2020-13-02T03:04:05Z",
        "2021-02-29T03:04:05Z", "2020-01-32T03:04:05Z", "2020-00-02T03:04:05Z", "2020-01-02T24:04:05Z", "2020-01-02T03:60:05Z",
        "2020-01-02T03:04:61Z", "2020-01-02T03:04:05.Z", "2020-01-02T03:04:05+1:00", "2020-01-02T03:04:05+24:00",
        "2020-01-02T03:04:05Zx", "20-01-02T03:04:05Z", "1577934245"})
    EXPECT_FALSE(is_timestamp(text)) << text;
}

TEST(FromHeaderValue, EscapesAreDecodedOnceAndWhatIsNoTextStays) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"a%20b", "a b"},
      {"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"%e2%82%ac", "\xe2\x82\xac"},
      {"%41%25%22", "A%\""},
      {"%2541", "%41"},
      {"caf\xc3\xa9", "caf\xc3\xa9"},
      {"50%", "50%"},
      {"%4", "%4"},
      {"%4g%zz%%41", "%4g%zz%A"},
      {"%ff", "%ff"},                  // no UTF-8
      {"%E2%82", "%E2%82"},            // cut off
      {"%C0%AF", "%C0%AF"},            // longer than needed
      {"%ED%A0%80", "%ED%A0%80"},      // a surrogate
      {"a%00b%0D%0A", "a%00b%0D%0A"},  // in no attribute
      {"%7F %C2%85", "%7F %C2%85"},    // neither
      {"%C2%A0", "\xc2\xa0"},
      {R"("quoted \"text\" \\ %41")", R"(quoted "text" \ A)"},
      {R"("")", ""},
      {R"(")", R"(")"},
      {R"("a" and "b")", R"("a" and "b")"},
      {R"("open\")", R"("open\")"},
      {R"(x"y)", R"(x"y)"},
  };
  for (const auto& [value, text] : cases) EXPECT_EQ(from_header_value(value), text) << value;
}

}  // namespace
}  // namespace fiso::core

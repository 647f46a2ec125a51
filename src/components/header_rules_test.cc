#include "components/header_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace fiso {
namespace {

TEST(HeaderRulesTest, ANameIsAToken) {
  for (std::string_view name : {"A", "X-Request-Id", "!#$%&'*+-.^_`|~09az"}) EXPECT_TRUE(is_header_name(name)) << name;
  for (std::string_view name :
       {"", " ", "A B", "A:", "A\r", "A\n", "(a)", "a,b", "\xe4", "a/b", "a=b", "a\"b", "[a]", "{a}", "a@b"})
    EXPECT_FALSE(is_header_name(name)) << name;
  EXPECT_FALSE(is_header_name(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_header_name(std::string(256, 'a')));
  EXPECT_FALSE(is_header_name(std::string(257, 'a')));
}

TEST(HeaderRulesTest, AValueIsVisibleText) {
  for (std::string_view value : {"", "a", "a b", "a\tb", "\xc3\xa4", "\xff", "\"x\"; q=1"})
    EXPECT_TRUE(is_header_value(value)) << value;
  for (std::string_view value : {" a", "a ", "\ta", "a\r", "a\r\nB: c", "a\nb", "\x7f", "\x1b[0m", "\x01"})
    EXPECT_FALSE(is_header_value(value)) << value;
  EXPECT_FALSE(is_header_value(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_header_value(std::string(8192, 'a')));
  EXPECT_FALSE(is_header_value(std::string(8193, 'a')));
}

TEST(HeaderRulesTest, HopByHopAndOurOwnAreReservedInAnyCase) {
  for (std::string_view name :
       {"Connection", "keep-alive", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "UPGRADE",
        "Host", "Expect", "Content-Type", "content-length", "Content-Anything", "Fiso-Correlation-Id", "fiso-x"})
    EXPECT_TRUE(is_reserved_header(name)) << name;
  for (std::string_view name : {"Authorization", "X-Content-Type", "Contents", "Fisox", "Hosts", "Cookie", "traceparent"})
    EXPECT_FALSE(is_reserved_header(name)) << name;
}

}  // namespace
}  // namespace fiso

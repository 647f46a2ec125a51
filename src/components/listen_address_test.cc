#include "components/listen_address.h"

#include <gtest/gtest.h>

namespace fiso {
namespace {

TEST(ListenAddress, IsAHostAndAPort) {
  for (const char* good : {":0", ":8081", "127.0.0.1:80", "127.1:80", "0.0.0.0:65535", "localhost:0", "db-1.internal:9", "a_b:1",
                           "[::]:80", "[::1]:80", "[fe80::1%eth0]:80", "[::ffff:10.0.0.1]:1"})
    EXPECT_TRUE(is_listen_address(good)) << good;
  for (const char* bad : {"",        "8081",       "host",          "host:",    "host:http",   "host:65536",  "host:-1",
                          "host: 1", "::1:80",     "a b:1",         " a:1",     "a\t:1",       "[zzz]:1",     "[]:1",
                          "[::1:1",  "::1]:1",     "[127.0.0.1]:1", "[::1%]:1", "300.0.0.1:1", "1.2.3.4.5:1", "-a:1",
                          "a/b:1",   "http://a:1", "\xc3\xa4:1",    "*:1"})
    EXPECT_FALSE(is_listen_address(bad)) << bad;
  EXPECT_FALSE(is_listen_address(std::string(254, 'a') + ":1"));
}

TEST(ListenAddress, AnAddressAloneIsPutAsItStandsInFrontOfAPort) {
  for (auto [text, put] : {std::pair("127.0.0.1", "127.0.0.1"),
                           {"0.0.0.0", "0.0.0.0"},
                           {"::1", "[::1]"},
                           {"[::]", "[::]"},
                           {"fe80::1%eth0", "[fe80::1%eth0]"}})
    EXPECT_EQ(find_listen_ip(text), put);
  for (const char* bad : {"", "localhost", "999.1.1.1", "127.1", "1.2.3.4:80", "[1.2.3.4]", "[]", "[::1", "::1]", "[[::1]]",
                          " ::1", "0x7f000001", "127.0.0.1\n"})
    EXPECT_EQ(find_listen_ip(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace fiso

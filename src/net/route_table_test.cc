#include "net/route_table.h"

#include <gtest/gtest.h>

namespace fiso::net {
namespace {

struct Named final : HttpService {
  Task<HttpResponse> call(HttpRequest&) override { co_return HttpResponse(); }
};

TEST(RouteTable, ExactPathsWinOverSubtreesAndTheLongestSubtreeWins) {
  Named root, orders, all_orders, one;
  RouteTable table;
  table.add(":80", "/", root);
  table.add(":80", "/orders/", all_orders);
  table.add(":80", "/orders", orders);
  table.add(":80", "/orders/1", one);
  EXPECT_EQ(table.find(":80", "/orders"), &orders);
  EXPECT_EQ(table.find(":80", "/orders/2"), &all_orders);
  EXPECT_EQ(table.find(":80", "/orders/1"), &one);
  EXPECT_EQ(table.find(":80", "/ordersX"), &root);
  EXPECT_EQ(table.find(":81", "/orders"), nullptr);
}

TEST(RouteTable, WithoutARootOtherPathsHaveNobody) {
  Named orders;
  RouteTable table;
  table.add(":80", "/orders", orders);
  EXPECT_EQ(table.find(":80", "/orders/"), nullptr);
  EXPECT_EQ(table.find(":80", "/"), nullptr);
}

TEST(RouteTables, APathIsClaimedOnceAndTlsIsAgreedOn) {
  RouteTables tables(1);
  EXPECT_TRUE(tables.claim(":80", "/a", std::nullopt).has_value());
  EXPECT_TRUE(tables.claim(":80", "/b", std::nullopt).has_value());
  EXPECT_EQ(tables.claim(":80", "/a", std::nullopt).error().message(),
            "http source: pre-register: path \"/a\" already registered on :80");
  EXPECT_FALSE(tables.claim(":80", "/c", TlsServerOptions{"cert", "key"}).has_value());
}

TEST(RouteTables, OnePortUnderTwoNamesIsToldApartFromTwoPorts) {
  struct Case {
    std::string first, second;
    bool fits;
  };
  for (const Case& one : std::vector<Case>{{":80", ":80", true},
                                           {":80", ":81", true},
                                           {":80", "0.0.0.0:80", false},
                                           {"127.0.0.1:80", ":80", false},
                                           {"[::]:80", "10.0.0.1:80", false},
                                           {"0.0.0.0:80", "[::1]:80", true},
                                           {"127.0.0.1:80", "127.0.0.2:80", true},
                                           {"localhost:80", "127.0.0.1:80", false},
                                           {"localhost:80", "localhost:80", true},
                                           {":80", "localhost:80", false},
                                           {":0", "127.0.0.1:0", true}}) {
    RouteTables tables(1);
    ASSERT_TRUE(tables.claim(one.first, "/", std::nullopt).has_value());
    EXPECT_EQ(tables.check_address(one.second).has_value(), one.fits) << one.first << " " << one.second;
  }
}

TEST(RouteTables, AReservedPortIsTakenByNobodyElseUnderAnyText) {
  RouteTables tables(1);
  tables.reserve("127.0.0.1:9090", "the admin port");
  tables.reserve("", "nothing");
  EXPECT_EQ(tables.check_address("localhost:9090").error().message(),
            "http source: localhost:9090 takes the port of 127.0.0.1:9090, which is the admin port");
  EXPECT_FALSE(tables.check_address("127.0.0.1:9090").has_value());
  EXPECT_FALSE(tables.check_address(":9090").has_value());
  EXPECT_TRUE(tables.check_address("127.0.0.1:9091").has_value());
  EXPECT_TRUE(tables.check_address("127.0.0.2:9090").has_value());
}

}  // namespace
}  // namespace fiso::net

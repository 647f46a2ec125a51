#include "link/grpc.h"

#include <gtest/gtest.h>

namespace fiso::link {
namespace {

TEST(Grpc, ACallNamesItsTargetInMetadataThatEndsHere) {
  net::HttpRequest request;
  request.headers.add("host", "localhost:3500");
  request.headers.add("fiso-target", "orders");
  EXPECT_EQ(take_grpc_target(request), "orders");
  EXPECT_FALSE(request.headers.contains("fiso-target"));
}

TEST(Grpc, WithoutMetadataTheAuthorityNamesTheTarget) {
  net::HttpRequest request;
  request.headers.add("host", "orders:3500");
  EXPECT_EQ(take_grpc_target(request), "orders");
}

TEST(Grpc, ARefusalIsAnAnswerOfHeadersAlone) {
  net::HttpResponse response = grpc_refusal(503, "open 100% \n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.find("grpc-status"), "14");
  EXPECT_EQ(response.headers.find("grpc-message"), "open 100%25 %0A");
}

TEST(Grpc, StatusesOfHttpHaveTheirOwnInGrpc) {
  const std::pair<int, std::string_view> cases[] = {{400, "3"},  {403, "7"},  {404, "5"}, {429, "8"},
                                                    {500, "13"}, {502, "14"}, {504, "4"}};
  for (auto [status, expected] : cases) EXPECT_EQ(grpc_refusal(status, "x").headers.find("grpc-status"), expected) << status;
}

}  // namespace
}  // namespace fiso::link

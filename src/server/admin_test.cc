#include "server/admin.h"

#include <gtest/gtest.h>

#include "async/run_and_wait.h"
#include "async/shard.h"

namespace fiso::server {
namespace {

class AdminTest : public ::testing::Test {
 protected:
  int status(const std::string& client, const HeaderList& headers = {}, const std::string& method = "POST") {
    AdminService service(health_, metrics_, {[this] { ++reloads_; }, [] { return std::string("{}"); }}, token_);
    net::HttpRequest request;
    request.method = method;
    request.target = "/reload";
    request.headers = headers;
    request.remote_address = client;
    return async::run_and_wait(shards_[0], [&]() -> Task<int> { co_return (co_await service.call(request)).status; });
  }
  static HeaderList with(std::string_view name, std::string_view value) {
    HeaderList headers;
    headers.add(name, value);
    return headers;
  }

  async::ShardSet shards_{1};
  observe::Health health_{"listeners"};
  observe::Metrics metrics_;
  Secret token_;
  int reloads_ = 0;
};

TEST_F(AdminTest, ThisMachineMayAskForAReload) {
  for (const char* client : {"127.0.0.1:5", "127.9.9.9:5", "[::1]:5", "[::ffff:127.0.0.1]:5"})
    EXPECT_EQ(status(client), 202) << client;
  EXPECT_EQ(reloads_, 4);
}

TEST_F(AdminTest, OthersMayReadAndNotChange) {
  for (const char* client : {"10.0.0.1:5", "[2001:db8::1]:5", "[::ffff:10.0.0.1]:5", "nonsense", ""})
    EXPECT_EQ(status(client), 403) << client;
  EXPECT_EQ(status("10.0.0.1:5", {}, "GET"), 200);
  EXPECT_EQ(reloads_, 0);
}

TEST_F(AdminTest, ThePageOfABrowserMayNotEither) {
  EXPECT_EQ(status("127.0.0.1:5", with("Origin", "http://evil.example")), 403);
  EXPECT_EQ(status("127.0.0.1:5", with("Sec-Fetch-Site", "cross-site")), 403);
  EXPECT_EQ(reloads_, 0);
}

TEST_F(AdminTest, WhoHasTheTokenMayFromAnywhere) {
  token_ = Secret("s3cret");
  EXPECT_EQ(status("10.0.0.1:5", with("Authorization", "Bearer s3cret")), 202);
  for (const char* wrong : {"Bearer s3cre", "Bearer s3cret ", "bearer s3cret", "s3cret", "Bearer ", "Bearer S3cret"})
    EXPECT_EQ(status("10.0.0.1:5", with("Authorization", wrong)), 403) << wrong;
  EXPECT_EQ(status("127.0.0.1:5"), 202);
  EXPECT_EQ(reloads_, 2);
}

TEST_F(AdminTest, WithoutATokenNobodyHasIt) { EXPECT_EQ(status("10.0.0.1:5", with("Authorization", "Bearer ")), 403); }

}  // namespace
}  // namespace fiso::server

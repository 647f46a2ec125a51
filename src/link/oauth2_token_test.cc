#include "link/oauth2_token.h"

#include <gtest/gtest.h>

#include "link/testing/secret_peer.h"

namespace fiso::link {
namespace {

using std::chrono::seconds;
using testing::response_text;
using testing::SecretMood;

// A client's secret that a test sets.
class GivenSecret final : public SecretSource {
 public:
  explicit GivenSecret(std::shared_ptr<Guarded<std::string>> text) : text_(std::move(text)) {}
  Task<Result<Lease>> fetch(MonotonicTime) override {
    std::string text = text_->with([](std::string& it) { return it; });
    if (text.empty()) co_return Error(ErrorCode::kInvalidConfig, "the secret is gone");
    co_return Lease{.value = Secret(std::move(text))};
  }
  Task<bool> has_changed() override { co_return false; }

 private:
  std::shared_ptr<Guarded<std::string>> text_;
};

class OAuth2Bench : public testing::SecretBench {
 public:
  std::unique_ptr<SecretSource> make_source(async::Shard& shard, async::BlockingPool& blocking) override {
    return std::make_unique<OAuth2Token>(shard, blocking, peer.options("/token?tenant=1"), config,
                                         std::make_unique<GivenSecret>(client_secret));
  }
  bool become(SecretMood mood) override {
    peer.become(mood == SecretMood::kRefuses ? SecretMood::kGives : mood);
    client_secret->with([&](std::string& text) { text = mood == SecretMood::kRefuses ? "" : "cli:ent sec&ret"; });
    return true;
  }
  void hold(const std::string& secret) override {
    held.with([&](std::string& text) { text = secret; });
  }
  void wait_asked() override { peer.wait_asked(); }
  std::vector<std::string> canaries() override { return {"sec&ret", "sec%26ret", "Basic"}; }

  OAuth2Config config{.client_id = "fi/so", .scopes = {"read", "write:all"}, .audience = "https://api"};
  std::shared_ptr<Guarded<std::string>> client_secret = std::make_shared<Guarded<std::string>>();
  Guarded<std::string> held;
  testing::SecretPeer peer{[this](const std::string&) {
    std::string token = held.with([](std::string& text) { return text; });
    return response_text(200, R"({"token_type":"bearer","expires_in":100,"access_token":")" + token + "\"}");
  }};
};

}  // namespace
}  // namespace fiso::link

namespace fiso::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(OAuth2, SecretSourceContract, link::OAuth2Bench);

}  // namespace fiso::testing

namespace fiso::link {
namespace {

std::string asked_by(OAuth2Bench& bench) {
  async::ShardSet shards(1);
  async::BlockingPool blocking(1, 16);
  bench.hold("token");
  bench.become(SecretMood::kGives);
  std::unique_ptr<SecretSource> source;
  shards.run_on(0, [&](async::Shard& shard) { source = bench.make_source(shard, blocking); });
  auto lease = testing::run_task(shards[0], [&] { return source->fetch(std::chrono::steady_clock::now() + seconds(30)); });
  EXPECT_TRUE(lease.has_value());
  shards.run_on(0, [&](async::Shard&) { source.reset(); });
  return bench.peer.asked().at(0);
}

TEST(OAuth2Token, AsksWithTheClientInABasicHeaderFormEncoded) {
  OAuth2Bench bench;
  std::string asked = asked_by(bench);
  EXPECT_TRUE(asked.starts_with("POST /token?tenant=1 HTTP/1.1\r\n")) << asked;
  // fi%2Fso:cli%3Aent+sec%26ret
  EXPECT_NE(asked.find("\r\nAuthorization: Basic ZmklMkZzbzpjbGklM0FlbnQrc2VjJTI2cmV0\r\n"), std::string::npos) << asked;
  EXPECT_NE(asked.find("\r\nContent-Type: application/x-www-form-urlencoded\r\n"), std::string::npos);
  EXPECT_TRUE(asked.ends_with("\r\n\r\ngrant_type=client_credentials&scope=read+write%3Aall&audience=https%3A%2F%2Fapi"))
      << asked;
}

TEST(OAuth2Token, AsksWithTheClientInTheFormIfItIsToldTo) {
  OAuth2Bench bench;
  bench.config = {.client_id = "fi/so", .style = OAuth2Config::Style::kBody};
  std::string asked = asked_by(bench);
  EXPECT_EQ(asked.find("Authorization"), std::string::npos);
  EXPECT_TRUE(asked.ends_with("\r\n\r\ngrant_type=client_credentials&client_id=fi%2Fso&client_secret=cli%3Aent+sec%26ret"))
      << asked;
}

Result<Lease> answered(std::string body, int status = 200) {
  net::HttpResponse answer{.status = status, .headers = {}, .body = std::move(body)};
  return read_token_answer(answer);
}

Duration life(const std::string& expires_in) {
  auto lease = answered(R"({"access_token":"t","expires_in":)" + expires_in + "}");
  if (!lease.has_value()) return Duration(-1);
  EXPECT_EQ(lease->refresh_after, lease->usable_for / 5 * 4);
  return lease->usable_for;
}

TEST(TokenAnswer, SaysHowLongTheTokenLives) {
  EXPECT_EQ(life("3600"), seconds(3600));
  EXPECT_EQ(life("\"3600\""), seconds(3600));
  EXPECT_EQ(life("1.5e2"), seconds(150));
  EXPECT_EQ(life("0"), seconds(10));
  EXPECT_EQ(life("-5"), seconds(10));
  for (const char* text : {"\"nan\"", "\"-nan\"", "\"inf\"", "\"-infinity\""})
    EXPECT_EQ(life(text), OAuth2Token::kUsualLife) << text;
  EXPECT_EQ(life("1e300"), std::chrono::hours(24 * 30));
  for (const char* none : {"null", "\"soon\"", "[1]", "true", "\"\""}) EXPECT_EQ(life(none), std::chrono::minutes(5)) << none;
  EXPECT_EQ(answered(R"({"access_token":"t"})")->usable_for, std::chrono::minutes(5));
}

TEST(TokenAnswer, GivesTheTokenAsItIsMeant) {
  EXPECT_EQ(answered(R"({"a":{"access_token":"inner"},"access_token":"a\u002Fb","token_type":"BEARER"})")->value.reveal(), "a/b");
}

TEST(TokenAnswer, ThatGivesNoneSaysWhyInOurWords) {
  auto why = [](std::string body, int status = 200) {
    auto lease = answered(std::move(body), status);
    if (lease.has_value()) return std::string("a token");
    EXPECT_TRUE(retryable(lease.error().code()));
    return lease.error().describe();
  };
  EXPECT_EQ(why(""), "the token endpoint answered with what is no JSON object");
  EXPECT_EQ(why("[]"), "the token endpoint answered with what is no JSON object");
  EXPECT_EQ(why("{}"), "the token endpoint gave no access_token");
  EXPECT_EQ(why(R"({"access_token":7})"), "the token endpoint gave no access_token");
  EXPECT_EQ(why(R"({"access_token":""})"), "the token endpoint gave no access_token");
  EXPECT_EQ(why(R"({"access_token":"t","token_type":"mac"})"), "the token endpoint gave a token of a type that is not Bearer");
  EXPECT_EQ(why(R"({"error":"invalid_client","error_description":"canary"})", 401),
            "the token endpoint answered 401 invalid_client");
  EXPECT_EQ(why(R"({"error":"canary"})", 400), "the token endpoint answered 400");
  EXPECT_EQ(why("canary", 302), "the token endpoint answered 302");
  EXPECT_EQ(why(std::string(100, '['), 200), "the token endpoint answered with what is no JSON object");
}

}  // namespace
}  // namespace fiso::link

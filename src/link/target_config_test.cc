#include "link/target_config.h"

#include <gtest/gtest.h>

#include "link/target.h"

namespace fiso::link {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TargetConfig parsed(const std::string& keys) {
  config::Errors errors;
  TargetConfig target;
  auto document = config::Document::parse("name: api\nhost: api.example\n" + keys, "link.yaml", errors);
  if (document.has_value()) target_spec(core::Registry()).parse(document->root(), "", target, errors);
  EXPECT_TRUE(errors.empty()) << errors.render();
  return target;
}

// What is due before each further attempt, without jitter.
std::vector<Duration> pauses(const std::string& retry) {
  RetryOptions options = parsed("retry: {jitter: 0, initialInterval: 100ms, " + retry + "}").retry_options();
  std::vector<Duration> all;
  for (int64_t made = 1; made < options.max_attempts; ++made) all.push_back(pause_after(options, made, 0.9));
  return all;
}

using Pauses = std::vector<Duration>;

TEST(TargetConfig, RetryKeysSayHowLongEachPauseIs) {
  EXPECT_EQ(pauses("maxAttempts: 4"), (Pauses{milliseconds(100), milliseconds(200), milliseconds(400)}));
  EXPECT_EQ(pauses("maxAttempts: 4, backoff: exponential, maxInterval: 300"),
            (Pauses{milliseconds(100), milliseconds(200), milliseconds(300)}));
  EXPECT_EQ(pauses("maxAttempts: 4, backoff: linear"), (Pauses{milliseconds(100), milliseconds(200), milliseconds(300)}));
  EXPECT_EQ(pauses("maxAttempts: 4, backoff: constant"), (Pauses{milliseconds(100), milliseconds(100), milliseconds(100)}));
  EXPECT_EQ(pauses("maxAttempts: 1"), Pauses{});
}

TEST(TargetConfig, JitterMakesAPauseShorterOrLonger) {
  RetryOptions options = parsed("retry: {initialInterval: 100ms, jitter: 0.5}").retry_options();
  EXPECT_EQ(pause_after(options, 1, 0), milliseconds(50));
  EXPECT_EQ(pause_after(options, 1, 0.5), milliseconds(100));
  EXPECT_EQ(parsed("").retry_options().jitter, 0.2);
}

TEST(TargetConfig, DefaultsAreThoseOfTheGuide) {
  TargetConfig target = parsed("");
  EXPECT_EQ(target.protocol, Protocol::kHttps);
  EXPECT_EQ(target.timeout, seconds(30));
  EXPECT_EQ(target.max_connections, 1000);
  EXPECT_EQ(target.auth.type, AuthType::kNone);
  EXPECT_FALSE(target.breaker.enabled);
  EXPECT_EQ(target.retry_options().max_attempts, 3);
  EXPECT_EQ(target.rate_limit.requests_per_second, 0);
}

class MadeTarget : public ::testing::Test {
 protected:
  std::shared_ptr<Target> make(const std::string& keys) {
    auto target = Target::make(parsed("protocol: http\n" + keys), {}, shards_, metrics_);
    EXPECT_TRUE(target.has_value());
    return std::move(*target);
  }
  // How many requests pass at once.
  int burst(const std::string& keys) {
    auto target = make(keys);
    int passed = 0;
    while (passed < 100 && target->rate->try_take() == Duration(0)) ++passed;
    return passed;
  }

  async::ShardSet shards_{1};
  observe::Metrics metrics_;
};

TEST_F(MadeTarget, ABurstIsWhatComesInASecondIfItIsNotGiven) {
  EXPECT_EQ(burst("rateLimit: {requestsPerSecond: 0.001, burst: 7}"), 7);
  EXPECT_EQ(burst("rateLimit: {requestsPerSecond: 0.001}"), 1);
  EXPECT_EQ(burst("rateLimit: {requestsPerSecond: 0.001, burst: 0}"), 1);
  EXPECT_EQ(make("rateLimit: {requestsPerSecond: 0}")->rate.has_value(), false);
  EXPECT_EQ(make("")->rate.has_value(), false);
}

TEST_F(MadeTarget, GoesToItsHostAndPort) {
  EXPECT_EQ(make("port: 8080")->client.origin.authority(), "api.example:8080");
  EXPECT_EQ(make("")->client.origin.authority(), "api.example");
  EXPECT_EQ(make("maxConnections: 3")->connections.capacity(), 3u);
}

}  // namespace
}  // namespace fiso::link

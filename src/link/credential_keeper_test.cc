#include "link/credential_keeper.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>

#include "async/testing/run_task.h"
#include "base/guarded.h"
#include "observe/testing/captured_log.h"

namespace fiso::link {
namespace {

using std::chrono::milliseconds;

Lease lease(const std::string& value, Duration refresh_after = kForever, Duration usable_for = kForever) {
  return {.value = Secret(value), .refresh_after = refresh_after, .usable_for = usable_for};
}

// Answers one after the other, as a test says; without an answer it waits for one.
class ScriptedSource final : public SecretSource {
 public:
  struct Script {
    explicit Script(async::Executor executor) : more(executor) {}
    std::deque<Result<Lease>> answers;
    bool changed = false;
    int asked = 0, under_way = 0, most_under_way = 0;
    async::Signal more;
  };

  explicit ScriptedSource(Script& script) : script_(script) {}
  Task<Result<Lease>> fetch(MonotonicTime) override {
    ++script_.asked;
    script_.most_under_way = std::max(script_.most_under_way, ++script_.under_way);
    while (script_.answers.empty() && !aborted_) {
      script_.more.reset();
      co_await script_.more.wait();
    }
    --script_.under_way;
    if (aborted_) co_return Error(ErrorCode::kCancelled, "stopping");
    Result<Lease> answer = std::move(script_.answers.front());
    script_.answers.pop_front();
    co_return answer;
  }
  Task<bool> has_changed() override { co_return std::exchange(script_.changed, false); }
  void abort() override {
    aborted_ = true;
    script_.more.set();
  }

 private:
  Script& script_;
  bool aborted_ = false;
};

class CredentialKeeperTest : public ::testing::Test {
 protected:
  CredentialKeeperTest() : shards_(1), series_(metrics_, {{"target", "api"}}) {}
  ~CredentialKeeperTest() override {
    if (keeper_ != nullptr) testing::run_task(shards_[0], [&] { return keeper_->end(); });
    shards_.run_on(0, [&](async::Shard&) {
      keeper_.reset();
      slot_.reset();
      script_.reset();
    });
  }

  void start(AuthConfig auth = {.type = AuthType::kOAuth2}) {
    shards_.run_on(0, [&](async::Shard& shard) {
      script_.emplace(shard.executor());
      slot_.emplace(shard.executor());
      KeeperParts parts{.shard = shard, .log = log_.log(), .series = series_, .publish = [this](const CredentialState& state) {
                          slot_->set(state);
                        }};
      keeper_ = std::make_unique<CredentialKeeper>(std::move(parts), auth, std::make_unique<ScriptedSource>(*script_));
      keeper_->start();
    });
  }
  void answer(Result<Lease> with) {
    shards_.run_on(0, [&](async::Shard&) {
      script_->answers.push_back(std::move(with));
      script_->more.set();
    });
  }
  template <class F>
  auto on_shard(F read) {
    decltype(read()) value{};
    shards_.run_on(0, [&](async::Shard&) { value = read(); });
    return value;
  }
  // What a request would send, if it waits.
  std::string sent() {
    bool has = testing::run_task(shards_[0], [&] { return slot_->wait(Clock::system().now() + std::chrono::seconds(30)); });
    return on_shard([&] { return has && slot_->now() ? slot_->now()->value.reveal() : std::string("auth error"); });
  }
  // Until that is so; the test's deadline is CTest's.
  template <class F>
  void eventually(F condition) {
    while (!on_shard(condition)) std::this_thread::yield();
  }
  void eventually_sent(const std::string& value) {
    eventually([&] { return slot_->now().has_value() && slot_->now()->value.reveal() == value; });
  }
  void reject() {
    shards_.run_on(0, [&](async::Shard&) { keeper_->reject(slot_->now().has_value() ? slot_->now()->number : 0); });
  }
  uint64_t count(const char* status) { return series_.counter("fiso_link_auth_refresh_total", "", {{"status", status}}).value(); }

  async::ShardSet shards_;
  observe::Metrics metrics_;
  observe::SeriesGroup series_;
  testing::CapturedLog log_;
  std::optional<ScriptedSource::Script> script_;
  std::optional<CredentialSlot> slot_;
  std::unique_ptr<CredentialKeeper> keeper_;
};

TEST_F(CredentialKeeperTest, WhoComesBeforeTheFirstAnswerWaitsForIt) {
  start();
  auto waiting = std::async(std::launch::async, [&] { return sent(); });
  auto another = std::async(std::launch::async, [&] { return sent(); });
  eventually([&] { return script_->asked == 1; });
  answer(lease("one"));
  EXPECT_EQ(waiting.get(), "Bearer one");
  EXPECT_EQ(another.get(), "Bearer one");
  EXPECT_EQ(on_shard([&] { return script_->asked; }), 1);
  EXPECT_EQ(count("success"), 1u);
}

TEST_F(CredentialKeeperTest, AFirstFailureIsToldAtOnceAndTriedAgain) {
  start();
  answer(Error(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_EQ(sent(), "auth error");
  EXPECT_EQ(count("error"), 1u);
  EXPECT_TRUE(log_.contains("secret cannot be used"));
  EXPECT_TRUE(log_.contains("connection refused"));
  answer(lease("two"));
  eventually_sent("Bearer two");
}

TEST_F(CredentialKeeperTest, WhoComesWhileAnotherAttemptIsUnderWayWaitsForIt) {
  start();
  answer(Error(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_EQ(sent(), "auth error");
  eventually([&] { return script_->asked == 2; });
  auto waiting = std::async(std::launch::async, [&] { return sent(); });
  answer(lease("two"));
  EXPECT_EQ(waiting.get(), "Bearer two");
}

TEST_F(CredentialKeeperTest, IsReplacedInTheBackground) {
  start();
  answer(lease("one", milliseconds(1)));
  EXPECT_EQ(sent(), "Bearer one");
  eventually([&] { return script_->asked == 2; });
  EXPECT_EQ(sent(), "Bearer one");
  answer(lease("two"));
  eventually_sent("Bearer two");
  EXPECT_EQ(on_shard([&] { return script_->most_under_way; }), 1);
}

TEST_F(CredentialKeeperTest, AFailureLeavesTheLastOneWhileItLives) {
  start();
  answer(lease("one", milliseconds(1)));
  EXPECT_EQ(sent(), "Bearer one");
  answer(Error(ErrorCode::kTimeout, "timeout"));
  eventually([&] { return log_.contains("credential cannot be refreshed"); });
  EXPECT_EQ(sent(), "Bearer one");
}

TEST_F(CredentialKeeperTest, AnEndedLifeIsTheEndOfItsUse) {
  start();
  answer(lease("one", milliseconds(1), milliseconds(2)));
  answer(Error(ErrorCode::kTimeout, "timeout"));
  eventually([&] { return script_->asked >= 2 && !slot_->now().has_value(); });
}

TEST_F(CredentialKeeperTest, ARefusalEndsItsUseAtOnce) {
  start();
  answer(lease("one", milliseconds(1)));
  answer(Error(ErrorCode::kRejected, "permission denied"));
  eventually([&] { return script_->asked >= 2 && !slot_->now().has_value(); });
}

TEST_F(CredentialKeeperTest, ASecretThatNoHeaderCarriesIsNone) {
  start();
  answer(lease("one", milliseconds(1)));
  EXPECT_EQ(sent(), "Bearer one");
  answer(lease("t\r\nX-Canary: 1"));
  eventually([&] { return log_.contains("secret cannot be used"); });
  EXPECT_EQ(on_shard([&] { return slot_->now().has_value(); }), false);
  EXPECT_FALSE(log_.contains("Canary"));
}

TEST_F(CredentialKeeperTest, AChangeIsSeen) {
  start();
  answer(lease("one"));
  EXPECT_EQ(sent(), "Bearer one");
  answer(lease("two"));
  shards_.run_on(0, [&](async::Shard&) { script_->changed = true; });
  eventually_sent("Bearer two");
}

TEST_F(CredentialKeeperTest, WhatTheTargetDoesNotAcceptIsReplacedAndWhoComesWaits) {
  start();
  answer(lease("one"));
  EXPECT_EQ(sent(), "Bearer one");
  reject();
  auto waiting = std::async(std::launch::async, [&] { return sent(); });
  eventually([&] { return script_->asked == 2; });
  answer(lease("two"));
  EXPECT_EQ(waiting.get(), "Bearer two");
  reject();  // a moment later
  EXPECT_EQ(sent(), "Bearer two");
  EXPECT_EQ(on_shard([&] { return script_->asked; }), 2);
}

TEST_F(CredentialKeeperTest, ARejectionOfAnEarlierOneChangesNothing) {
  start();
  answer(lease("one", milliseconds(1)));
  answer(lease("two"));
  eventually_sent("Bearer two");
  shards_.run_on(0, [&](async::Shard&) { keeper_->reject(1); });
  EXPECT_EQ(sent(), "Bearer two");
}

TEST_F(CredentialKeeperTest, AFilesSecretIsNotDroppedByARejection) {
  start({.type = AuthType::kBearer, .secret = {.file_path = "/f"}});
  answer(lease("one"));
  EXPECT_EQ(sent(), "Bearer one");
  reject();
  EXPECT_EQ(sent(), "Bearer one");
}

TEST_F(CredentialKeeperTest, AnEndAbortsWhatIsUnderWay) {
  start();
  eventually([&] { return script_->asked == 1; });
  testing::run_task(shards_[0], [&] { return keeper_->end(); });
  EXPECT_EQ(on_shard([&] { return script_->under_way; }), 0);
  shards_.run_on(0, [&](async::Shard&) { keeper_.reset(); });
}

TEST(CredentialSlot, NobodyWaitsBeyondTheDeadline) {
  async::ShardSet shards(1);
  std::optional<CredentialSlot> slot;
  shards.run_on(0, [&](async::Shard& shard) { slot.emplace(shard.executor()); });
  EXPECT_FALSE(testing::run_task(shards[0], [&] { return slot->wait(Clock::system().now() + milliseconds(1)); }));
  shards.run_on(0, [&](async::Shard&) { slot.reset(); });
}

}  // namespace
}  // namespace fiso::link

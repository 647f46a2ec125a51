// What every SecretSource must do, wherever its secret comes from: one suite, instantiated by each source's own test.
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(File, SecretSourceContract, FileBench);
//
// A SecretBench, default-constructed for each test, is the source's other side. A mood that it cannot be brought into (nothing
// can make a variable hang) is a skip that the report shows.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "async/blocking_pool.h"
#include "async/spawn.h"
#include "async/testing/run_task.h"
#include "link/secret_source.h"

namespace fiso::testing {

enum class SecretMood {
  kGives,
  kRefuses,  // what was given before must not be used any more
  kFails,    // this time
  kHangs,
};

class SecretBench {
 public:
  virtual ~SecretBench() = default;
  // On the shard.
  virtual std::unique_ptr<link::SecretSource> make_source(async::Shard& shard, async::BlockingPool& blocking) = 0;
  // From now on. False if there is no such mood.
  virtual bool become(SecretMood mood) = 0;
  // Given from now on.
  virtual void hold(const std::string& secret) = 0;
  // What was asked has arrived, and hangs.
  virtual void wait_asked() {}
  // Besides what is held: tokens, passwords.
  virtual std::vector<std::string> canaries() { return {}; }
};

template <class Bench>
class SecretSourceContract : public ::testing::Test {
 protected:
  SecretSourceContract() : shards_(1), blocking_(1, 16) {
    bench_.hold("held-canary");
    bench_.become(SecretMood::kGives);
    shards_.run_on(0, [&](async::Shard& shard) { source_ = bench_.make_source(shard, blocking_); });
  }
  ~SecretSourceContract() override {
    shards_.run_on(0, [&](async::Shard&) { source_.reset(); });
  }

  Result<link::Lease> fetch(Duration timeout = std::chrono::seconds(30)) {
    return run_task(shards_[0], [&] { return source_->fetch(std::chrono::steady_clock::now() + timeout); });
  }
  std::string given() {
    auto lease = fetch();
    return lease.has_value() ? lease->value.reveal() : lease.error().describe();
  }
  // Of a fetch that fails.
  ErrorCode failure(Duration timeout = std::chrono::seconds(30)) {
    auto lease = fetch(timeout);
    EXPECT_FALSE(lease.has_value());
    if (lease.has_value()) return ErrorCode::kInternal;
    std::vector<std::string> canaries = bench_.canaries();
    canaries.emplace_back("canary");
    for (const std::string& canary : canaries) EXPECT_EQ(lease.error().describe().find(canary), std::string::npos) << canary;
    return lease.error().code();
  }

  async::ShardSet shards_;
  async::BlockingPool blocking_;
  Bench bench_;
  std::unique_ptr<link::SecretSource> source_;
};

TYPED_TEST_SUITE_P(SecretSourceContract);

TYPED_TEST_P(SecretSourceContract, GivesWhatIsHeld) {
  EXPECT_EQ(this->given(), "held-canary");
  EXPECT_EQ(this->given(), "held-canary");
}

TYPED_TEST_P(SecretSourceContract, GivesWhatIsHeldNow) {
  EXPECT_EQ(this->given(), "held-canary");
  this->bench_.hold("next-canary");
  EXPECT_EQ(this->given(), "next-canary");
}

TYPED_TEST_P(SecretSourceContract, IsAskedAgainBeforeItMayNotBeUsedAnyMore) {
  auto lease = this->fetch();
  ASSERT_TRUE(lease.has_value()) << lease.error().describe();
  EXPECT_GT(lease->refresh_after, Duration(0));
  EXPECT_LE(lease->refresh_after, lease->usable_for);
}

TYPED_TEST_P(SecretSourceContract, ARefusalEndsTheUse) {
  if (!this->bench_.become(SecretMood::kRefuses)) GTEST_SKIP() << "nobody refuses this secret";
  EXPECT_FALSE(retryable(this->failure()));
  ASSERT_TRUE(this->bench_.become(SecretMood::kGives));
  EXPECT_EQ(this->given(), "held-canary");
}

TYPED_TEST_P(SecretSourceContract, AFailureDoesNot) {
  if (!this->bench_.become(SecretMood::kFails)) GTEST_SKIP() << "what gives this secret never fails for a while";
  EXPECT_TRUE(retryable(this->failure()));
  ASSERT_TRUE(this->bench_.become(SecretMood::kGives));
  EXPECT_EQ(this->given(), "held-canary");
}

TYPED_TEST_P(SecretSourceContract, SilenceIsAFailureAtTheDeadline) {
  if (!this->bench_.become(SecretMood::kHangs)) GTEST_SKIP() << "what gives this secret never hangs";
  EXPECT_EQ(this->failure(std::chrono::milliseconds(100)), ErrorCode::kTimeout);
}

TYPED_TEST_P(SecretSourceContract, AbortEndsAQuestionUnderWay) {
  if (!this->bench_.become(SecretMood::kHangs)) GTEST_SKIP() << "what gives this secret never hangs";
  std::thread stopper([&] {
    this->bench_.wait_asked();
    this->shards_[0].post([&] { this->source_->abort(); });
  });
  EXPECT_EQ(this->failure(), ErrorCode::kCancelled);
  stopper.join();
}

TYPED_TEST_P(SecretSourceContract, NothingChangesByItself) {
  EXPECT_FALSE(run_task(this->shards_[0], [&] { return this->source_->has_changed(); }));
}

REGISTER_TYPED_TEST_SUITE_P(SecretSourceContract, GivesWhatIsHeld, GivesWhatIsHeldNow, IsAskedAgainBeforeItMayNotBeUsedAnyMore,
                            ARefusalEndsTheUse, AFailureDoesNot, SilenceIsAFailureAtTheDeadline, AbortEndsAQuestionUnderWay,
                            NothingChangesByItself);

}  // namespace fiso::testing

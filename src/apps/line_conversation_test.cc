// The conversation with a guest that does what a test says, step by step.
#include "apps/line_conversation.h"

#include <gtest/gtest.h>

#include "async/spawn.h"

namespace fiso::apps {
namespace {

using wasm::Outcome;

MonotonicTime in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

class FakeResident final : public wasm::Resident {
 public:
  void terminate() override {}
  void write(std::string text) override { given += text; }
  void end_input() override { ended = true; }
  void hush() override { ++hushed; }
  std::string given;
  bool ended = false;
  int hushed = 0;
};

// All on one event loop that runs when the test says so.
class LineConversationTest : public ::testing::Test {
 protected:
  struct Asked {
    std::optional<Result<std::string>> answer;
  };

  void make(const LineConversation::Options& options) {
    talk_.emplace(shard_, options, [this](std::string_view line) { unasked_.emplace_back(line); });
  }
  std::shared_ptr<Asked> ask(std::string request, std::chrono::milliseconds patience = std::chrono::minutes(1)) {
    auto asked = std::make_shared<Asked>();
    auto run = [](LineConversation& talk, std::string text, MonotonicTime deadline, std::shared_ptr<Asked> into) -> Task<> {
      into->answer = co_await talk.ask(std::move(text), deadline);
    };
    async::spawn(shard_, run(*talk_, std::move(request), in(patience), asked));
    settle();
    return asked;
  }
  void says(std::string_view text) {
    EXPECT_TRUE(talk_->output(text));
    settle();
  }
  void waits() {
    talk_->waiting(guest_.given.size());
    settle();
  }
  // Runs what can run now.
  void settle() {
    shard_.context().restart();
    while (shard_.context().poll() > 0) {}
  }
  void until_answered(const Asked& asked) {
    while (!asked.answer.has_value()) {
      shard_.context().restart();
      shard_.context().run_one();
    }
  }
  std::string given() { return std::exchange(guest_.given, {}); }
  static std::string text(const std::shared_ptr<Asked>& asked) {
    if (!asked->answer.has_value()) return "(none)";
    return asked->answer->has_value() ? **asked->answer : asked->answer->error().message();
  }

  async::Shard shard_{0};
  FakeResident guest_;
  std::vector<std::string> unasked_;
  std::optional<LineConversation> talk_;
};

TEST_F(LineConversationTest, ARequestIsALineWithAnIdAndTheNextLineIsItsAnswer) {
  make({});
  talk_->begin(guest_);
  auto first = ask("{\"path\":\"/\"}\n");
  EXPECT_EQ(given(), "{\"id\":1,\"path\":\"/\"}\n");
  says("{\"sta");
  EXPECT_EQ(text(first), "(none)");
  says("tus\":201}\r\n");
  EXPECT_EQ(text(first), R"({"status":201})");
}

TEST_F(LineConversationTest, OnceAGuestIsKnownToLoopItNeedNotTellThatItWaits) {
  make({});
  talk_->begin(guest_);
  auto first = ask("{}");
  says("{\"n\":1}\n");
  EXPECT_EQ(guest_.hushed, 0);
  waits();
  EXPECT_EQ(guest_.hushed, 1);
  auto second = ask("{}");
  says("{\"n\":2}\n");
  waits();
  EXPECT_EQ(text(second), R"({"n":2})");
  EXPECT_EQ(guest_.hushed, 1);
  make({.may_answer_once = false});
  talk_->begin(guest_);
  EXPECT_EQ(guest_.hushed, 2);
}

TEST_F(LineConversationTest, WithoutIdsOneIsAskedAfterTheOther) {
  make({.most_in_flight = 10, .may_answer_once = false});
  talk_->begin(guest_);
  auto first = ask("{}"), second = ask("{}");
  EXPECT_EQ(given(), "{\"id\":1}\n");
  says("{\"n\":1}\n");
  EXPECT_EQ(given(), "{\"id\":2}\n");
  says("{\"n\":2}\n");
  EXPECT_EQ(text(first) + text(second), R"({"n":1}{"n":2})");
}

TEST_F(LineConversationTest, WithIdsManyAreAskedAtOnceAndAnsweredInAnyOrder) {
  make({.most_in_flight = 2, .may_answer_once = false});
  talk_->begin(guest_);
  auto first = ask("{}");
  says("{\"id\":1}\n");
  auto second = ask("{}"), third = ask("{}"), fourth = ask("{}");
  EXPECT_EQ(given(), "{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n");
  says("{\"id\":3,\"n\":3}\n{\"id\":2,\"n\":2}\n");
  EXPECT_EQ(text(second) + text(third), R"({"id":2,"n":2}{"id":3,"n":3})");
  EXPECT_EQ(given(), "{\"id\":4}\n");
  says("{\"id\":77}\n");  // nobody's
  EXPECT_EQ(text(fourth), "(none)");
  says("{\"id\":4}\n");
  EXPECT_EQ(text(fourth), R"({"id":4})");
}

TEST_F(LineConversationTest, ALateAnswerIsDropped) {
  for (bool ids : {false, true}) {
    make({.may_answer_once = false});
    talk_->begin(guest_);
    auto late = ask("{}", std::chrono::milliseconds(1));
    until_answered(*late);
    EXPECT_EQ(late->answer->error().code(), ErrorCode::kTimeout);
    auto next = ask("{}");
    says(ids ? "{\"id\":1}\n" : "{\"n\":1}\n");
    EXPECT_EQ(text(next), "(none)");
    says(ids ? "{\"id\":2}\n" : "{\"n\":2}\n");
    EXPECT_EQ(text(next), ids ? R"({"id":2})" : R"({"n":2})");
  }
}

TEST_F(LineConversationTest, AGuestThatWantsMoreBeforeItAnswersIsGivenTheEndAndAnswersOnce) {
  make({});
  talk_->begin(guest_);
  auto first = ask("{}"), second = ask("{}");
  talk_->waiting(guest_.given.size() - 1);
  EXPECT_FALSE(guest_.ended);  // it has not come to the end of what it got
  waits();
  EXPECT_TRUE(guest_.ended);
  says("{\n \"status\": 200\n}\n");
  EXPECT_TRUE(talk_->ended({}));
  settle();
  EXPECT_EQ(text(first), "{\n \"status\": 200\n}\n");
  EXPECT_EQ(second->answer->error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(ask("{}")->answer->error().code(), ErrorCode::kCancelled);
}

TEST_F(LineConversationTest, AGuestThatLeavesAfterOneAnswerAnswersOnceAndTheNextIsNotGivenToIt) {
  make({});
  talk_->begin(guest_);
  auto first = ask("{}"), second = ask("{}");
  says("{\"n\":1}\n");
  EXPECT_EQ(given(), "{\"id\":1}\n");
  EXPECT_TRUE(talk_->ended({}));
  settle();
  EXPECT_EQ(text(first), R"({"n":1})");
  EXPECT_EQ(second->answer->error().code(), ErrorCode::kCancelled);
}

TEST_F(LineConversationTest, AGuestThatWaitsAfterItsAnswerLoops) {
  make({});
  talk_->begin(guest_);
  auto first = ask("{}"), second = ask("{}");
  says("{\"n\":1}\n");
  given();
  waits();
  EXPECT_EQ(given(), "{\"id\":2}\n");
  EXPECT_FALSE(talk_->ended({}));
  settle();
  EXPECT_EQ(text(second), "the guest left without an answer");
}

TEST_F(LineConversationTest, WhatWaitsItsTurnWhenTheGuestEndsIsAskedOfTheNextOne) {
  make({.may_answer_once = false});
  talk_->begin(guest_);
  auto first = ask("{}"), second = ask("{}");
  EXPECT_FALSE(talk_->ended({.outcome = Outcome::kTrap, .detail = "unreachable"}));
  settle();
  EXPECT_EQ(text(first), "wasm trap: unreachable");
  EXPECT_EQ(text(second), "(none)");
  given();
  talk_->begin(guest_);
  settle();
  EXPECT_EQ(given(), "{\"id\":2}\n");
  says("{}\n");
  EXPECT_EQ(text(second), "{}");
}

TEST_F(LineConversationTest, WhatTheGuestHadNotBegunToReadWhenItEndedIsAskedOfTheNextOne) {
  make({.most_in_flight = 3, .may_answer_once = false});
  talk_->begin(guest_);
  auto ids = ask("{}");
  says("{\"id\":1}\n");
  given();
  auto read = ask("{}"), begun = ask("{}"), untouched = ask("{}");
  size_t line = given().size() / 3;
  EXPECT_FALSE(talk_->ended({.outcome = Outcome::kExit, .exit_code = 3, .unread = 2 * line - 1}));
  settle();
  EXPECT_EQ(text(read), "module closed with exit_code(3)");
  EXPECT_EQ(text(begun), "module closed with exit_code(3)");
  EXPECT_EQ(text(untouched), "(none)");
  talk_->begin(guest_);
  settle();
  EXPECT_EQ(given(), "{\"id\":5}\n");
  says("{\"id\":5,\"n\":1}\n");
  EXPECT_EQ(text(untouched), R"({"id":5,"n":1})");
}

TEST_F(LineConversationTest, NothingWaitsForAGuestThatNeverComes) {
  make({.may_answer_once = false});
  talk_->begin(guest_);
  auto untouched = ask("{}"), waiting = ask("{}");
  EXPECT_FALSE(talk_->ended({.outcome = Outcome::kTrap, .unread = given().size()}));
  settle();
  talk_->close();
  settle();
  for (const auto& asked : {untouched, waiting, ask("{}")}) EXPECT_EQ(asked->answer->error().code(), ErrorCode::kOverloaded);
}

TEST_F(LineConversationTest, ARequestWhoseTurnDoesNotComeInTimeIsAnOverload) {
  make({});
  auto asked = ask("{}", std::chrono::milliseconds(1));
  until_answered(*asked);
  EXPECT_EQ(asked->answer->error().code(), ErrorCode::kOverloaded);
}

TEST_F(LineConversationTest, LinesThatAnswerNothingAreTold) {
  make({});
  talk_->begin(guest_);
  says("hello\n\n");
  EXPECT_EQ(unasked_, std::vector<std::string>{"hello"});
}

TEST_F(LineConversationTest, ALineThatIsTooLongIsAFault) {
  make({.limits = {.output = Bytes{10}}});
  talk_->begin(guest_);
  EXPECT_TRUE(talk_->output("0123456789"));
  EXPECT_FALSE(talk_->output("x"));
}

}  // namespace
}  // namespace fiso::apps

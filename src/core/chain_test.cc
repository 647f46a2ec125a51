#include "core/chain.h"

#include <gtest/gtest.h>

#include "async/testing/run_task.h"
#include "core/testing/fakes.h"

namespace fiso::core {
namespace {

using testing::FakeInterceptor;
using testing::make_event;
using testing::run_task;

std::function<Result<>(Event&)> append(std::string word) {
  return [word = std::move(word)](Event& event) {
    event.payload = Payload(std::string(event.payload.view()) + word);
    return Result<>();
  };
}

class ChainTest : public ::testing::Test {
 protected:
  FakeInterceptor& add(std::function<Result<>(Event&)> change) {
    list_.push_back(std::make_unique<FakeInterceptor>(std::move(change)));
    return static_cast<FakeInterceptor&>(*list_.back());
  }
  Result<> process(Event& event) {
    Chain chain(std::move(list_));
    auto done = run_task(shards_[0], [&] { return chain.process(event); });
    return done;
  }
  async::ShardSet shards_{1};
  std::vector<std::unique_ptr<Interceptor>> list_;
};

TEST_F(ChainTest, AnEmptyOneChangesNothing) {
  EXPECT_TRUE(Chain({}).empty());
  Event event = make_event("x");
  EXPECT_TRUE(process(event).has_value());
  EXPECT_EQ(event.payload.view(), "x");
}

TEST_F(ChainTest, RunsInterceptorsInOrder) {
  add(append("1"));
  add(append("2"));
  add(append("3"));
  Event event = make_event("");
  EXPECT_TRUE(process(event).has_value());
  EXPECT_EQ(event.payload.view(), "123");
}

TEST_F(ChainTest, TheFirstErrorEndsItAndNamesTheCulprit) {
  add(append("1"));
  add([](Event&) { return Result<>(Error(ErrorCode::kGuestTrap, "no")); });
  bool reached = false;
  add([&](Event&) { return reached = true, Result<>(); });
  Event event = make_event("");
  auto done = process(event);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code(), ErrorCode::kGuestTrap);
  EXPECT_EQ(done.error().message(), "no");
  EXPECT_EQ(done.error().describe(), "interceptor 1: no");
  EXPECT_FALSE(reached);
}

}  // namespace
}  // namespace fiso::core

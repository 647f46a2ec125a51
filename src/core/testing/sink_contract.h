// What every sink must do, whatever it writes to: one suite, instantiated by each sink's own test.
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Http, SinkContract, HttpBench);
//
// A SinkBench, default-constructed for each test, is the sink's other side. A mood that it cannot be brought into (nothing can
// make `discard` fail) is a skip that the report shows.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/gate.h"
#include "async/testing/run_task.h"
#include "core/sink.h"
#include "core/testing/fakes.h"
#include "json/text.h"

namespace fiso::testing {

enum class Mood {
  kTakes,
  kRefuses,  // for good
  kFails,    // this time
  kHangs,    // neither takes nor refuses
};

class SinkBench {
 public:
  virtual ~SinkBench() = default;
  virtual async::ShardSet& shards() = 0;
  // On the shard.
  virtual std::unique_ptr<core::Sink> make_sink(async::Shard& shard) = 0;
  // False if there is no such mood. Before make_sink().
  virtual bool become(Mood mood) = 0;
  // The other side can say what it took.
  virtual bool remembers() const { return true; }
  // The bodies that were taken so far, whole, in any order.
  virtual std::vector<std::string> taken() = 0;
  // Addresses and the like, which no message may hold.
  virtual std::vector<std::string> canaries() { return {}; }
};

template <class Bench>
class SinkContract : public ::testing::Test {
 protected:
  ~SinkContract() override { destroy_sink(); }

  void make_sink() {
    bench_.shards().run_on(0, [&](async::Shard& shard) { sink_ = bench_.make_sink(shard); });
  }
  void destroy_sink() {
    bench_.shards().run_on(0, [&](async::Shard&) { sink_.reset(); });
  }
  Result<> deliver(const OwnedOutbound& event) {
    return run_task(shard(), [&] { return sink_->deliver(event.get()); });
  }
  async::Shard& shard() { return bench_.shards()[0]; }

  static std::string compacted(const std::string& json_text) {
    std::string out;
    json::compact(json_text, out);
    return out;
  }

  Bench bench_;
  std::unique_ptr<core::Sink> sink_;
};

TYPED_TEST_SUITE_P(SinkContract);

TYPED_TEST_P(SinkContract, TakesAnEventWhole) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  OwnedOutbound event(R"({"order":12345678901234567890,"items":[]})");
  auto delivered = this->deliver(event);
  ASSERT_TRUE(delivered.has_value()) << delivered.error().describe();
  if (this->bench_.remembers()) EXPECT_EQ(this->bench_.taken(), std::vector{event.body()});
}

TYPED_TEST_P(SinkContract, TakesAPayloadOfSeveralLines) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  OwnedOutbound event("{\n  \"text\": \"a\\nb\",\r\n\t\"n\": [1,\n 2]\n}");
  ASSERT_TRUE(this->deliver(event).has_value());
  if (!this->bench_.remembers()) return;
  ASSERT_EQ(this->bench_.taken().size(), 1u);
  EXPECT_EQ(this->compacted(this->bench_.taken()[0]), this->compacted(event.body()));
}

TYPED_TEST_P(SinkContract, TakesALargeEvent) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  OwnedOutbound event("\"" + std::string(1 << 20, 'x') + "\"");
  ASSERT_TRUE(this->deliver(event).has_value());
  if (this->bench_.remembers()) EXPECT_EQ(this->bench_.taken(), std::vector{event.body()});
}

TYPED_TEST_P(SinkContract, TakesOneAfterTheOther) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    OwnedOutbound event("{\"n\":" + std::to_string(i) + "}");
    ASSERT_TRUE(this->deliver(event).has_value());
    sent.push_back(event.body());
  }
  if (this->bench_.remembers()) EXPECT_EQ(this->bench_.taken(), sent);
}

TYPED_TEST_P(SinkContract, TakesManyAtOnceEachOfThemOnce) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  constexpr int kEvents = 50;
  std::vector<std::unique_ptr<OwnedOutbound>> events;
  std::vector<std::string> sent;
  for (int i = 0; i < kEvents; ++i) {
    events.push_back(
        std::make_unique<OwnedOutbound>("{\"n\":" + std::to_string(i) + ",\"pad\":\"" + std::string(5000, 'p') + "\"}"));
    sent.push_back(events.back()->body());
  }
  int failed = 0;
  run_task(this->shard(), [&]() -> Task<> {
    async::Gate gate(this->shard().executor());
    for (auto& event : events) {
      async::spawn(this->shard(), [](core::Sink& sink, const core::Outbound& one, int& count, async::Gate::Pass) -> Task<> {
        if (!(co_await sink.deliver(one)).has_value()) ++count;
      }(*this->sink_, event->get(), failed, gate.enter()));
    }
    co_await gate.wait_empty();
  });
  EXPECT_EQ(failed, 0);
  if (!this->bench_.remembers()) return;
  std::vector<std::string> taken = this->bench_.taken();
  std::ranges::sort(taken);
  std::ranges::sort(sent);
  EXPECT_EQ(taken, sent);
}

TYPED_TEST_P(SinkContract, DoesNothingForADeliveryThatIsNeverAwaited) {
  ASSERT_TRUE(this->bench_.become(Mood::kTakes));
  this->make_sink();
  OwnedOutbound event("{}");
  this->bench_.shards().run_on(0, [&](async::Shard&) { auto never_started = this->sink_->deliver(event.get()); });
  if (this->bench_.remembers()) EXPECT_TRUE(this->bench_.taken().empty());
}

TYPED_TEST_P(SinkContract, SaysThatARefusalIsFinal) {
  if (!this->bench_.become(Mood::kRefuses)) GTEST_SKIP() << "this sink's other side never refuses";
  this->make_sink();
  auto delivered = this->deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_FALSE(retryable(delivered.error().code())) << delivered.error().describe();
}

TYPED_TEST_P(SinkContract, SaysThatAFailureMayPass) {
  if (!this->bench_.become(Mood::kFails)) GTEST_SKIP() << "this sink's other side never fails";
  this->make_sink();
  auto delivered = this->deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_TRUE(retryable(delivered.error().code())) << delivered.error().describe();
}

TYPED_TEST_P(SinkContract, DoesNotWaitForEver) {
  if (!this->bench_.become(Mood::kHangs)) GTEST_SKIP() << "this sink's other side never hangs";
  this->make_sink();
  auto delivered = this->deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().code(), ErrorCode::kTimeout) << delivered.error().describe();
}

TYPED_TEST_P(SinkContract, NamesNoAddressInAMessage) {
  for (Mood mood : {Mood::kRefuses, Mood::kFails, Mood::kHangs}) {
    if (!this->bench_.become(mood)) continue;
    this->make_sink();
    auto delivered = this->deliver(OwnedOutbound(R"({"secret":"canary-payload"})"));
    ASSERT_FALSE(delivered.has_value());
    std::vector<std::string> canaries = this->bench_.canaries();
    canaries.push_back("canary-payload");
    for (const std::string& canary : canaries) EXPECT_EQ(delivered.error().message().find(canary), std::string::npos) << canary;
    this->destroy_sink();
  }
}

TYPED_TEST_P(SinkContract, CanBeDestroyedAfterAnyOutcome) {
  for (Mood mood : {Mood::kTakes, Mood::kRefuses, Mood::kFails, Mood::kHangs}) {
    if (!this->bench_.become(mood)) continue;
    this->make_sink();
    (void)this->deliver(OwnedOutbound("{}"));
    this->destroy_sink();
  }
}

REGISTER_TYPED_TEST_SUITE_P(SinkContract, TakesAnEventWhole, TakesAPayloadOfSeveralLines, TakesALargeEvent, TakesOneAfterTheOther,
                            TakesManyAtOnceEachOfThemOnce, DoesNothingForADeliveryThatIsNeverAwaited, SaysThatARefusalIsFinal,
                            SaysThatAFailureMayPass, DoesNotWaitForEver, NamesNoAddressInAMessage, CanBeDestroyedAfterAnyOutcome);

}  // namespace fiso::testing

// What every sink must do, whatever it writes to: one suite, instantiated by each sink's own test.
//
//   INSTANTIATE_TEST_SUITE_P(Http, SinkContract, ::testing::Values([] { return std::make_unique<HttpBench>(); }));
//
// A SinkBench is the sink's other side. A mood that it cannot be brought into (nothing can make `discard` fail) is a skip that
// the report shows.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/testing/run_task.h"
#include "core/sink.h"
#include "core/testing/fakes.h"
#include "json/text.h"

namespace fiso::testing {

class SinkBench {
 public:
  enum class Mood {
    kTakes,
    kRefuses,  // for good
    kFails,    // this time
    kHangs,    // neither takes nor refuses
  };

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

class SinkContract : public ::testing::TestWithParam<std::function<std::unique_ptr<SinkBench>()>> {
 protected:
  using Mood = SinkBench::Mood;

  SinkContract() : bench_(GetParam()()) {}
  ~SinkContract() override { destroy_sink(); }

  void make_sink() {
    bench_->shards().run_on(0, [&](async::Shard& shard) { sink_ = bench_->make_sink(shard); });
  }
  void destroy_sink() {
    bench_->shards().run_on(0, [&](async::Shard&) { sink_.reset(); });
  }
  Result<> deliver(const OwnedOutbound& event) {
    return run_task(shard(), [&] { return sink_->deliver(event.get()); });
  }
  async::Shard& shard() { return bench_->shards()[0]; }

  static std::string compacted(const std::string& json_text) {
    std::string out;
    json::compact(json_text, out);
    return out;
  }

  std::unique_ptr<SinkBench> bench_;
  std::unique_ptr<core::Sink> sink_;
};

TEST_P(SinkContract, TakesAnEventWhole) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  OwnedOutbound event(R"({"order":12345678901234567890,"items":[]})");
  auto delivered = deliver(event);
  ASSERT_TRUE(delivered.has_value()) << delivered.error().describe();
  if (bench_->remembers()) EXPECT_EQ(bench_->taken(), std::vector{event.body()});
}

TEST_P(SinkContract, TakesAPayloadOfSeveralLines) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  OwnedOutbound event("{\n  \"text\": \"a\\nb\",\r\n\t\"n\": [1,\n 2]\n}");
  ASSERT_TRUE(deliver(event).has_value());
  if (!bench_->remembers()) return;
  ASSERT_EQ(bench_->taken().size(), 1u);
  EXPECT_EQ(compacted(bench_->taken()[0]), compacted(event.body()));
}

TEST_P(SinkContract, TakesALargeEvent) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  OwnedOutbound event("\"" + std::string(1 << 20, 'x') + "\"");
  ASSERT_TRUE(deliver(event).has_value());
  if (bench_->remembers()) EXPECT_EQ(bench_->taken(), std::vector{event.body()});
}

TEST_P(SinkContract, TakesOneAfterTheOther) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    OwnedOutbound event("{\"n\":" + std::to_string(i) + "}");
    ASSERT_TRUE(deliver(event).has_value());
    sent.push_back(event.body());
  }
  if (bench_->remembers()) EXPECT_EQ(bench_->taken(), sent);
}

TEST_P(SinkContract, TakesManyAtOnceEachOfThemOnce) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  constexpr int kEvents = 50;
  std::vector<std::unique_ptr<OwnedOutbound>> events;
  std::vector<std::string> sent;
  for (int i = 0; i < kEvents; ++i) {
    events.push_back(
        std::make_unique<OwnedOutbound>("{\"n\":" + std::to_string(i) + ",\"pad\":\"" + std::string(5000, 'p') + "\"}"));
    sent.push_back(events.back()->body());
  }
  int failed = 0;
  run_task(shard(), [&]() -> Task<> {
    async::Gate gate(shard().executor());
    for (auto& event : events) {
      async::spawn(shard(), [](core::Sink& sink, const core::Outbound& one, int& count, async::Gate::Pass) -> Task<> {
        if (!(co_await sink.deliver(one)).has_value()) ++count;
      }(*sink_, event->get(), failed, gate.enter()));
    }
    co_await gate.wait_empty();
  });
  EXPECT_EQ(failed, 0);
  if (!bench_->remembers()) return;
  std::vector<std::string> taken = bench_->taken();
  std::ranges::sort(taken);
  std::ranges::sort(sent);
  EXPECT_EQ(taken, sent);
}

TEST_P(SinkContract, DoesNothingForADeliveryThatIsNeverAwaited) {
  ASSERT_TRUE(bench_->become(Mood::kTakes));
  make_sink();
  OwnedOutbound event("{}");
  bench_->shards().run_on(0, [&](async::Shard&) { auto never_started = sink_->deliver(event.get()); });
  if (bench_->remembers()) EXPECT_TRUE(bench_->taken().empty());
}

TEST_P(SinkContract, SaysThatARefusalIsFinal) {
  if (!bench_->become(Mood::kRefuses)) GTEST_SKIP() << "this sink's other side never refuses";
  make_sink();
  auto delivered = deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_FALSE(retryable(delivered.error().code())) << delivered.error().describe();
}

TEST_P(SinkContract, SaysThatAFailureMayPass) {
  if (!bench_->become(Mood::kFails)) GTEST_SKIP() << "this sink's other side never fails";
  make_sink();
  auto delivered = deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_TRUE(retryable(delivered.error().code())) << delivered.error().describe();
}

TEST_P(SinkContract, DoesNotWaitForEver) {
  if (!bench_->become(Mood::kHangs)) GTEST_SKIP() << "this sink's other side never hangs";
  make_sink();
  auto delivered = deliver(OwnedOutbound("{}"));
  ASSERT_FALSE(delivered.has_value());
  EXPECT_EQ(delivered.error().code(), ErrorCode::kTimeout) << delivered.error().describe();
}

TEST_P(SinkContract, NamesNoAddressInAMessage) {
  for (Mood mood : {Mood::kRefuses, Mood::kFails, Mood::kHangs}) {
    if (!bench_->become(mood)) continue;
    make_sink();
    auto delivered = deliver(OwnedOutbound(R"({"secret":"canary-payload"})"));
    ASSERT_FALSE(delivered.has_value());
    std::vector<std::string> canaries = bench_->canaries();
    canaries.push_back("canary-payload");
    for (const std::string& canary : canaries) EXPECT_EQ(delivered.error().message().find(canary), std::string::npos) << canary;
    destroy_sink();
  }
}

TEST_P(SinkContract, CanBeDestroyedAfterAnyOutcome) {
  for (Mood mood : {Mood::kTakes, Mood::kRefuses, Mood::kFails, Mood::kHangs}) {
    if (!bench_->become(mood)) continue;
    make_sink();
    (void)deliver(OwnedOutbound("{}"));
    destroy_sink();
  }
}

}  // namespace fiso::testing

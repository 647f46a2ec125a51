// What every RecordPublisher must do, whatever is behind it: one suite, instantiated by each one's own test.
//
// A PublisherBench, default-constructed for each test, is the publisher and its other side. A mood that it cannot be brought into
// is a skip that the report shows.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/testing/run_task.h"
#include "kafka/record_publisher.h"
#include "kafka/testing/mock_cluster.h"

namespace fiso::testing {

enum class BrokerMood { kTakes, kRefuses, kSilent };

class PublisherBench {
 public:
  virtual ~PublisherBench() = default;
  virtual async::ShardSet& shards() = 0;
  virtual kafka::RecordPublisher& publisher() = 0;
  virtual void become(BrokerMood mood) = 0;
  // Of topic `t`, so far.
  virtual std::vector<ReadRecord> records(size_t count) = 0;
};

template <class Bench>
class PublisherContract : public ::testing::Test {
 protected:
  Result<kafka::Placement> publish(std::optional<std::string_view> key, std::string_view value, const HeaderList& headers = {},
                                   Duration time = std::chrono::seconds(60), unsigned shard = 0) {
    return run_task(bench_.shards()[shard], [&]() -> Task<Result<kafka::Placement>> {
      kafka::Record record{.topic = "t", .key = key, .value = value, .headers = headers};
      co_return co_await bench_.publisher().publish(record, std::chrono::steady_clock::now() + time);
    });
  }
  Bench bench_;
};

TYPED_TEST_SUITE_P(PublisherContract);

TYPED_TEST_P(PublisherContract, ARecordArrivesAsItIsAndItsPlaceIsTold) {
  HeaderList headers;
  headers.add("X-One", "1");
  headers.add("X-One", "2");
  headers.add("empty", "");
  ASSERT_EQ(this->publish("k", std::string_view("a\0b", 3), headers)->offset, 0);
  ASSERT_EQ(this->publish("", "")->offset, 1);
  ASSERT_EQ(this->publish(std::nullopt, "z")->offset, 2);
  auto records = this->bench_.records(3);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].key, "k");
  EXPECT_EQ(records[0].value, std::string("a\0b", 3));
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(records[0].headers, (Pairs{{"X-One", "1"}, {"X-One", "2"}, {"empty", ""}}));
  EXPECT_EQ(records[1].key, "");
  EXPECT_EQ(records[1].value, "");
  EXPECT_EQ(records[2].key, std::nullopt);
}

TYPED_TEST_P(PublisherContract, ARefusalIsAnErrorThatNamesNoAddress) {
  this->bench_.become(BrokerMood::kRefuses);
  auto refused = this->publish("k", "v");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(refused.error().message().find("127.0.0.1"), std::string::npos) << refused.error().message();
}

TYPED_TEST_P(PublisherContract, SilenceEndsAtTheDeadline) {
  this->bench_.become(BrokerMood::kSilent);
  auto late = this->publish("k", "v", {}, std::chrono::milliseconds(50));
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().code(), ErrorCode::kTimeout);
}

REGISTER_TYPED_TEST_SUITE_P(PublisherContract, ARecordArrivesAsItIsAndItsPlaceIsTold, ARefusalIsAnErrorThatNamesNoAddress,
                            SilenceEndsAtTheDeadline);

}  // namespace fiso::testing

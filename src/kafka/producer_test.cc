#include "kafka/producer.h"

#include <gtest/gtest.h>

#include <thread>

#include "async/testing/run_task.h"
#include "kafka/producers.h"
#include "kafka/testing/fake_publisher.h"
#include "kafka/testing/mock_cluster.h"
#include "kafka/testing/publisher_contract.h"

namespace fiso::kafka {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::BrokerMood;
using testing::MockCluster;
using testing::ReadRecord;

class MockBench final : public testing::PublisherBench {
 public:
  MockBench() {
    ProducerOptions options = cluster_.options();
    cluster_.create("t", 1);
    options.retry_pause = milliseconds(1);
    options.max_attempts = 2;
    producer_ = std::move(*Producer::make(options, {}));
  }
  ~MockBench() override { cluster_.delay(0); }
  async::ShardSet& shards() override { return shards_; }
  RecordPublisher& publisher() override { return *producer_; }
  void become(BrokerMood mood) override {
    if (mood == BrokerMood::kRefuses) cluster_.fail(testing::kProduceRequest, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
    if (mood == BrokerMood::kSilent) cluster_.delay(600'000);
  }
  std::vector<ReadRecord> records(size_t count) override { return cluster_.read("t", count); }

 private:
  MockCluster cluster_;
  async::ShardSet shards_{1};
  std::unique_ptr<Producer> producer_;
};

class FakeBench final : public testing::PublisherBench {
 public:
  async::ShardSet& shards() override { return shards_; }
  RecordPublisher& publisher() override { return publisher_; }
  void become(BrokerMood mood) override {
    if (mood == BrokerMood::kRefuses) publisher_.failure = Error(ErrorCode::kUnavailable, "no");
    publisher_.hangs = mood == BrokerMood::kSilent;
  }
  std::vector<ReadRecord> records(size_t) override {
    std::vector<ReadRecord> all;
    for (const auto& kept : publisher_.kept) {
      all.push_back({kept.key, kept.value, {}});
      for (auto field : kept.headers) all.back().headers.emplace_back(field.name, field.value);
    }
    return all;
  }

 private:
  async::ShardSet shards_{1};
  testing::FakePublisher publisher_;
};

}  // namespace
}  // namespace fiso::kafka

namespace fiso::testing {
INSTANTIATE_TYPED_TEST_SUITE_P(Librdkafka, PublisherContract, kafka::MockBench);
INSTANTIATE_TYPED_TEST_SUITE_P(Fake, PublisherContract, kafka::FakeBench);
}  // namespace fiso::testing

namespace fiso::kafka {
namespace {

class ProducerTest : public ::testing::Test {
 protected:
  ProducerTest() { cluster_.create("t", 1); }

  void make(ProducerOptions options) {
    options.retry_pause = milliseconds(1);
    auto made = Producer::make(std::move(options), {});
    ASSERT_TRUE(made.has_value()) << made.error().describe();
    producer_ = std::move(*made);
  }
  Result<Placement> publish(std::string_view value, Duration time = seconds(60)) {
    return testing::run_task(shards_[0], [&]() -> Task<Result<Placement>> {
      HeaderList headers;
      co_return co_await producer_->publish({.topic = "t", .key = std::nullopt, .value = value, .headers = headers},
                                            std::chrono::steady_clock::now() + time);
    });
  }
  void fail(rd_kafka_resp_err_t error, size_t times) {
    cluster_.fail(testing::kProduceRequest, std::vector<rd_kafka_resp_err_t>(times, error));
  }

  MockCluster cluster_;
  async::ShardSet shards_{2};
  std::unique_ptr<Producer> producer_;
};

TEST_F(ProducerTest, ErrorsThatPassAreTriedAgainAndTheRecordIsThereOnce) {
  make(cluster_.options());
  fail(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, 3);
  EXPECT_TRUE(publish("a").has_value());
  fail(RD_KAFKA_RESP_ERR__TRANSPORT, 1);
  EXPECT_TRUE(publish("b").has_value());
  EXPECT_TRUE(publish("c").has_value());
  auto records = cluster_.read("t", 3);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].value + records[1].value + records[2].value, "abc");
}

TEST_F(ProducerTest, OneAttemptIsOneAttempt) {
  ProducerOptions options = cluster_.options();
  options.max_attempts = 1;
  make(options);
  fail(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, 1);
  auto refused = publish("a");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message(), "Broker: Not enough in-sync replicas");
  EXPECT_TRUE(publish("b").has_value());
}

TEST_F(ProducerTest, NoMoreRecordsWaitThanAllowed) {
  ProducerOptions options = cluster_.options();
  options.config.max_queued_records = 2;
  make(options);
  cluster_.delay(600'000);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(publish("a", milliseconds(1)).error().code(), ErrorCode::kTimeout);
  EXPECT_EQ(producer_->queued(), 2);
  EXPECT_EQ(publish("a").error().code(), ErrorCode::kOverloaded);
}

TEST_F(ProducerTest, ARecordBeyondTheLimitIsNotTaken) {
  ProducerOptions options = cluster_.options();
  options.max_record_bytes = 2000;
  make(options);
  EXPECT_EQ(publish(std::string(4000, 'x')).error().code(), ErrorCode::kInvalidInput);
  EXPECT_TRUE(publish(std::string(1000, 'x')).has_value());
}

TEST_F(ProducerTest, ItIsGivenUpWhenTheBrokersStayAway) {
  ProducerOptions options = cluster_.options();
  options.delivery_timeout = milliseconds(100);
  make(options);
  cluster_.set_down(true);
  EXPECT_EQ(publish("a").error().code(), ErrorCode::kTimeout);  // librdkafka's own, long before ours
  while (producer_->queued() != 0) std::this_thread::yield();   // it is told before it is let go of
}

TEST_F(ProducerTest, AfterItsEndItBeginsAnew) {
  make(cluster_.options());
  EXPECT_TRUE(publish("a").has_value());
  producer_->end_fatally();
  EXPECT_EQ(publish("b").error().code(), ErrorCode::kUnavailable);
  producer_->renew();
  auto published = publish("c");
  EXPECT_TRUE(published.has_value()) << published.error().describe();
}

TEST_F(ProducerTest, WhoWaitsWhenItEndsIsTold) {
  make(cluster_.options());
  cluster_.delay(600'000);
  struct Outcome {
    std::optional<ErrorCode> code;
  } outcome;
  std::promise<void> asked, told;
  async::spawn(shards_[1], [](Producer& producer, Outcome& out, std::promise<void>& began, std::promise<void>& end) -> Task<> {
    HeaderList headers;
    async::Shard::current().post([&began] { began.set_value(); });
    auto result = co_await producer.publish({.topic = "t", .key = std::nullopt, .value = "a", .headers = headers}, kNever);
    if (!result.has_value()) out.code = result.error().code();
    end.set_value();
  }(*producer_, outcome, asked, told));
  asked.get_future().wait();
  producer_.reset();
  told.get_future().wait();
  EXPECT_EQ(outcome.code, ErrorCode::kCancelled);
}

TEST_F(ProducerTest, EqualOptionsAreOneProducerUntilNobodyHoldsIt) {
  Producers producers({});
  auto first = *producers.get(cluster_.options());
  EXPECT_EQ(*producers.get(cluster_.options()), first);
  ProducerOptions other = cluster_.options();
  other.acks = Acks::kLeader;
  auto second = *producers.get(other);
  EXPECT_NE(second, first);
  producers.look_after();
  EXPECT_EQ(producers.all().size(), 2u);
  first.reset();
  producers.look_after();
  EXPECT_EQ(producers.all(), (std::vector{second}));
}

TEST_F(ProducerTest, WhatLibrdkafkaDoesNotTakeIsAnErrorOfTheConfiguration) {
  ProducerOptions options = cluster_.options();
  options.config.tls = {.enabled = true, .ca_file = "/not/there"};
  auto made = Producer::make(options, {});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidConfig);
}

}  // namespace
}  // namespace fiso::kafka

// A Kafka cluster in this process, librdkafka's mock: loopback ports, errors on request. And what is in it, by a plain consumer.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kafka/producer.h"

namespace fiso::testing {

inline constexpr int16_t kProduceRequest = 0, kInitProducerIdRequest = 22;

struct ReadRecord {
  std::optional<std::string> key;
  std::string value;
  std::vector<std::pair<std::string, std::string>> headers;
};

class MockCluster {
 public:
  explicit MockCluster(int brokers = 1)
      : host_(rd_kafka_new(RD_KAFKA_PRODUCER, quiet(), nullptr, 0)), cluster_(rd_kafka_mock_cluster_new(host_, brokers)) {}
  ~MockCluster() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(host_);
  }
  MockCluster(const MockCluster&) = delete;

  std::string bootstrap() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  kafka::ProducerOptions options() const {
    kafka::ProducerOptions options{.cluster = "mock"};
    for (std::string rest = bootstrap(); !rest.empty();) {
      size_t comma = rest.find(',');
      options.config.brokers.push_back(rest.substr(0, comma));
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
    return options;
  }
  void create(const std::string& topic, int partitions) { rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1); }
  // The next requests of that kind fail with these.
  void fail(int16_t request, const std::vector<rd_kafka_resp_err_t>& errors) {
    rd_kafka_mock_push_request_errors_array(cluster_, request, errors.size(), errors.data());
  }
  void fail_topic(const std::string& topic, rd_kafka_resp_err_t error) {
    rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), error);
  }
  void set_down(bool down) { down ? rd_kafka_mock_broker_set_down(cluster_, -1) : rd_kafka_mock_broker_set_up(cluster_, -1); }
  // Requests are answered after that long.
  void delay(int ms) { rd_kafka_mock_broker_set_rtt(cluster_, -1, ms); }

  // The first `count` records of a topic's only partition; fewer if there are no more within ten seconds.
  std::vector<ReadRecord> read(const std::string& topic, size_t count) const {
    rd_kafka_conf_t* settings = quiet();
    rd_kafka_conf_set(settings, "bootstrap.servers", bootstrap().c_str(), nullptr, 0);
    rd_kafka_t* reader = rd_kafka_new(RD_KAFKA_CONSUMER, settings, nullptr, 0);
    rd_kafka_topic_t* handle = rd_kafka_topic_new(reader, topic.c_str(), nullptr);
    rd_kafka_consume_start(handle, 0, RD_KAFKA_OFFSET_BEGINNING);
    std::vector<ReadRecord> records;
    while (records.size() < count) {
      rd_kafka_message_t* message = rd_kafka_consume(handle, 0, 10'000);
      if (message == nullptr) break;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) records.push_back(to_record(*message));
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(handle, 0);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(reader);
    return records;
  }

 private:
  static rd_kafka_conf_t* quiet() {
    rd_kafka_conf_t* settings = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(settings, [](const rd_kafka_t*, int, const char*, const char*) {});
    return settings;
  }
  static ReadRecord to_record(const rd_kafka_message_t& message) {
    ReadRecord record{.value = std::string(static_cast<const char*>(message.payload), message.len)};
    if (message.key != nullptr) record.key.emplace(static_cast<const char*>(message.key), message.key_len);
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return record;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i)
      record.headers.emplace_back(name, std::string(static_cast<const char*>(value), size));
    return record;
  }

  rd_kafka_t* host_;
  rd_kafka_mock_cluster_t* cluster_;
};

}  // namespace fiso::testing

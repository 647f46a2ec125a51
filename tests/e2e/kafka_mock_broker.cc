// A Kafka cluster for tests, librdkafka's mock: says its bootstrap address on stdout, then does what stdin says, a line each, and
// answers `ok`. It ends with its input.
//
//   create TOPIC PARTITIONS    fail REQUEST ERROR TIMES (numbers of the protocol)    topic_error TOPIC ERROR
//   down    up    rtt MILLISECONDS
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

bool obey(rd_kafka_mock_cluster_t* cluster, const std::string& line) {
  std::istringstream words(line);
  std::string command, topic;
  int number = 0, error = 0, times = 0;
  words >> command;
  if (command == "create") {
    words >> topic >> number;
    return rd_kafka_mock_topic_create(cluster, topic.c_str(), number, 1) == RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  if (command == "fail") {
    words >> number >> error >> times;
    std::vector<rd_kafka_resp_err_t> errors(static_cast<size_t>(times), static_cast<rd_kafka_resp_err_t>(error));
    rd_kafka_mock_push_request_errors_array(cluster, static_cast<int16_t>(number), errors.size(), errors.data());
    return true;
  }
  if (command == "topic_error") {
    words >> topic >> error;
    rd_kafka_mock_topic_set_error(cluster, topic.c_str(), static_cast<rd_kafka_resp_err_t>(error));
    return true;
  }
  if (command == "down") return rd_kafka_mock_broker_set_down(cluster, -1) == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (command == "up") return rd_kafka_mock_broker_set_up(cluster, -1) == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (command != "rtt") return false;
  words >> number;
  return rd_kafka_mock_broker_set_rtt(cluster, -1, number) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void ignore_line(const rd_kafka_t* /*client*/, int /*level*/, const char* /*facility*/, const char* /*text*/) {}

}  // namespace

int main() {
  rd_kafka_conf_t* settings = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(settings, ignore_line);
  rd_kafka_t* host = rd_kafka_new(RD_KAFKA_PRODUCER, settings, nullptr, 0);
  rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(host, 1);
  std::cout << rd_kafka_mock_cluster_bootstraps(cluster) << std::endl;
  for (std::string line; std::getline(std::cin, line);) std::cout << (obey(cluster, line) ? "ok" : "no: " + line) << std::endl;
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(host);
  return 0;
}

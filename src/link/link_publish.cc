// Where a request ends whose target is a topic: it is published in place of being sent.
#include <string>
#include <utility>

#include "core/outbound.h"
#include "link/kafka_record.h"
#include "link/link_call.h"

namespace fiso::link {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

// 200 only after the brokers have acknowledged it. The time that the caller and guests took is not theirs, so the deadline begins
// here.
Task<> LinkStack::publish(Call& call) {
  Target& target = call.target->shared;
  const KafkaTarget& topic = *target.config.kafka;
  if (!call.body.has_value() && !co_await read_request(call)) {
    if (call.status != 0) co_return co_await refuse(call);
    co_return note(call, "error");
  }
  auto key = record_key(topic.key, call.request.headers, call.body->text());
  if (!key.has_value()) {
    call.refused(400, key.error().message());
    co_return co_await refuse(call);
  }
  HeaderList headers = record_headers(call.request.headers, topic.headers, call.correlation.id);
  kafka::Record record{.topic = topic.topic, .key = *key, .value = call.body->text(), .headers = headers};
  auto placed = co_await target.producer->publish(record, now() + target.config.timeout);
  if (!placed.has_value()) {
    settle_published(call, placed.error());
    co_return co_await refuse(call);
  }
  call.admitted.succeeded();
  call.status = 200;
  net::HttpResponse response{.body = R"({"status":"published","topic":")" + topic.topic + "\"}"};
  response.headers.add("Content-Type", "application/json");
  response.headers.add(core::kCorrelationHeader, call.correlation.id);
  response.headers.add("Fiso-Kafka-Partition", std::to_string(placed->partition));
  response.headers.add("Fiso-Kafka-Offset", std::to_string(placed->offset));
  (void)co_await net::answer(call.exchange, response);
  note_published(call, *placed);
}

// Whatever the brokers do not take or do not answer counts for the breaker; what we do not take does not.
void LinkStack::settle_published(Call& call, const Error& error) {
  std::string text = "kafka publish: kafka publish to " + call.target->shared.config.kafka->topic + ": " + error.message();
  switch (error.code()) {
    case ErrorCode::kInvalidInput:
      call.admitted.succeeded();
      call.refused(413, std::move(text));
      break;
    case ErrorCode::kOverloaded: call.refused(503, std::move(text), std::chrono::seconds(1)); break;
    case ErrorCode::kCancelled: call.refused(503, std::move(text)); break;
    default: call.admitted.failed(); call.refused(error.code() == ErrorCode::kTimeout ? 504 : 502, std::move(text));
  }
  failed_log_.write("kafka publish failed", {{"correlation_id", call.correlation.id},
                                             {"target", call.target->shared.config.name},
                                             {"topic", call.target->shared.config.kafka->topic},
                                             {"error", error.describe()}});
}

void LinkStack::note_published(const Call& call, const kafka::Placement& placed) {
  Duration taken = now() - call.began;
  call.target->answers.note(call.request.method, "200", taken);
  access_log_.write("kafka publish completed", {{"correlation_id", call.correlation.id},
                                                {"target", call.target->shared.config.name},
                                                {"topic", call.target->shared.config.kafka->topic},
                                                {"partition", placed.partition},
                                                {"offset", placed.offset},
                                                {"latency_ms", std::chrono::duration<double, std::milli>(taken).count()}});
}

}  // namespace fiso::link

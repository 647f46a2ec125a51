#include "kafka/producer_handle.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kafka/client_settings.h"

namespace fiso::kafka {
namespace {

constexpr int kEventWaitMs = 100;  // how soon the thread sees that it is to end
constexpr int kPurgeMs = 1000;
constexpr uint32_t kErrorLines = 5;  // a second

using Headers = std::unique_ptr<rd_kafka_headers_t, decltype(&rd_kafka_headers_destroy)>;

int64_t wall_ms(Duration from_now) {
  auto when = std::chrono::system_clock::now() + from_now;
  return std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch()).count();
}

Headers headers_of(const HeaderList& list) {
  Headers headers(rd_kafka_headers_new(list.size()), rd_kafka_headers_destroy);
  for (auto field : list)
    rd_kafka_header_add(headers.get(), field.name.data(), static_cast<ssize_t>(field.name.size()), field.value.data(),
                        static_cast<ssize_t>(field.value.size()));
  return headers;
}

rd_kafka_vu_t bytes_of(rd_kafka_vtype_t type, std::string_view text) {
  rd_kafka_vu_t field{.vtype = type};
  // A pointer to nothing would make it null, which an empty one is not.
  field.u.mem = {const_cast<char*>(text.empty() ? "" : text.data()), text.size()};
  return field;
}

Result<Placement> outcome_of(const rd_kafka_message_t& message) {
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return to_error(message.err);
  return Placement{message.partition, message.offset};
}

}  // namespace

Error to_error(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: return Error(ErrorCode::kOverloaded, "too many records wait for the cluster");
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: return Error(ErrorCode::kInvalidInput, "record too large");
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE: return Error(ErrorCode::kTimeout, "no acknowledgement in time");
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__DESTROY: return Error(ErrorCode::kCancelled, "the producer ends");
    default: return Error(ErrorCode::kUnavailable, rd_kafka_err2str(code)).with_context(rd_kafka_err2name(code));
  }
}

Result<std::shared_ptr<ProducerHandle>> ProducerHandle::open(const ProducerOptions& options, observe::Log log) {
  FISO_TRY(ClientSettings settings, client_settings(options));
  std::array<char, 512> why{};
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, settings.get(), why.data(), why.size());
  if (client == nullptr) return Error(ErrorCode::kInvalidConfig, std::string("producer: ") + why.data());
  (void)settings.release();  // the client's now
  return std::shared_ptr<ProducerHandle>(new ProducerHandle(client, std::move(log)));
}

ProducerHandle::ProducerHandle(rd_kafka_t* client, observe::Log log)
    : client_(client),
      events_(rd_kafka_queue_get_main(client)),
      log_(std::move(log)),
      error_log_(log_, observe::LogLevel::kWarn, kErrorLines),
      thread_([this] { take_events(); }) {}

// What is still there is delivered, or given up: whoever waits is told either way.
ProducerHandle::~ProducerHandle() {
  constexpr int kFlushMs = std::chrono::duration_cast<std::chrono::duration<int, std::milli>>(Producer::kFlush).count();
  if (!has_ended()) rd_kafka_flush(client_, kFlushMs);
  rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(client_, kPurgeMs);
  stopping_.store(true, std::memory_order_release);
  thread_.join();
  rd_kafka_queue_destroy(events_);
  rd_kafka_destroy(client_);
}

Result<> ProducerHandle::produce(const Record& record, std::shared_ptr<Waiting> waiting) {
  if (has_ended()) return Error(ErrorCode::kUnavailable, "the producer begins anew");
  auto opaque = std::make_unique<std::shared_ptr<Waiting>>(std::move(waiting));
  Headers headers = headers_of(record.headers);
  std::string topic(record.topic);
  std::vector<rd_kafka_vu_t> fields(4);
  fields[0].vtype = RD_KAFKA_VTYPE_TOPIC;
  fields[0].u.cstr = topic.c_str();
  fields[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  fields[1].u.i = RD_KAFKA_MSG_F_COPY;
  fields[2].vtype = RD_KAFKA_VTYPE_HEADERS;
  fields[2].u.headers = headers.get();
  fields[3].vtype = RD_KAFKA_VTYPE_OPAQUE;
  fields[3].u.ptr = opaque.get();
  fields.push_back(bytes_of(RD_KAFKA_VTYPE_VALUE, record.value));
  if (record.key.has_value()) fields.push_back(bytes_of(RD_KAFKA_VTYPE_KEY, *record.key));
  rd_kafka_error_t* error = rd_kafka_produceva(client_, fields.data(), fields.size());
  if (error != nullptr) {
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (rd_kafka_error_is_fatal(error) != 0) ended_.store(true, std::memory_order_release);
    rd_kafka_error_destroy(error);
    return to_error(code);
  }
  (void)headers.release();  // both go with the record's delivery
  (void)opaque.release();
  return {};
}

void ProducerHandle::take_events() {
  pthread_setname_np(pthread_self(), "kafka-events");
  for (;;) {
    bool last = stopping_.load(std::memory_order_acquire);
    rd_kafka_event_t* event = rd_kafka_queue_poll(events_, last ? 0 : kEventWaitMs);
    if (event != nullptr) {
      take(event);
      rd_kafka_event_destroy(event);
    } else if (last) {
      return;
    }
  }
}

void ProducerHandle::take(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_DR:
      while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
        std::unique_ptr<std::shared_ptr<Waiting>> waiting(static_cast<std::shared_ptr<Waiting>*>(message->_private));
        async::Shard& shard = (*waiting)->shard;
        shard.post([waiting = std::move(*waiting), outcome = outcome_of(*message)]() mutable {
          waiting->outcome = std::move(outcome);
          waiting->done.set();
        });
      }
      break;
    case RD_KAFKA_EVENT_ERROR: {
      rd_kafka_resp_err_t code = rd_kafka_event_error(event);
      error_log_.write("kafka client reports",
                       {{"error", rd_kafka_event_error_string(event)}, {"code", rd_kafka_err2name(code)}});
      if (code == RD_KAFKA_RESP_ERR__FATAL) ended_.store(true, std::memory_order_release);
      break;
    }
    default: break;  // tokens are given when there are new ones, not when they are asked for
  }
}

void ProducerHandle::set_token(const ProducerOptions& options, const Secret& token) {
  constexpr std::chrono::hours kLife{24 * 365};  // whoever gives tokens replaces them in time
  std::vector<const char*> extensions;
  for (const auto& [name, value] : options.config.auth.oauth.extensions) {
    extensions.push_back(name.c_str());
    extensions.push_back(value.c_str());
  }
  std::array<char, 512> why{};
  rd_kafka_resp_err_t code =
      rd_kafka_oauthbearer_set_token(client_, token.reveal().c_str(), wall_ms(kLife), options.config.auth.oauth.client_id.c_str(),
                                     extensions.data(), extensions.size(), why.data(), why.size());
  // librdkafka quotes what is wrong with a token.
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) log_.error("kafka token cannot be used", {{"code", rd_kafka_err2name(code)}});
}

void ProducerHandle::drop_token(const std::string& why) { rd_kafka_oauthbearer_set_token_failure(client_, why.c_str()); }

void ProducerHandle::end_fatally() { rd_kafka_test_fatal_error(client_, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "test"); }

}  // namespace fiso::kafka

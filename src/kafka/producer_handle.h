// One instance of librdkafka, and the thread that takes its events: deliveries, errors.
//
// Threading: produce() and the token anywhere, without blocking; the constructor and the destructor on a thread that may block.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "async/shard.h"
#include "async/signal.h"
#include "kafka/producer.h"
#include "observe/sampled_log.h"

namespace fiso::kafka {

// Who waits for a record. Lives on its shard; the event thread only carries it back there.
struct Waiting {
  explicit Waiting(async::Shard& home) : shard(home), done(home.executor()) {}
  async::Shard& shard;
  async::Signal done;
  std::optional<Result<Placement>> outcome;
};

class ProducerHandle {
 public:
  static Result<std::shared_ptr<ProducerHandle>> open(const ProducerOptions& options, observe::Log log);
  ~ProducerHandle();
  ProducerHandle(const ProducerHandle&) = delete;

  // `waiting` is set when it was delivered, or given up.
  Result<> produce(const Record& record, std::shared_ptr<Waiting> waiting);
  void set_token(const ProducerOptions& options, const Secret& token);
  void drop_token(const std::string& why);
  int64_t queued() const { return rd_kafka_outq_len(client_); }
  bool has_ended() const { return ended_.load(std::memory_order_acquire); }
  void end_fatally();

 private:
  ProducerHandle(rd_kafka_t* client, observe::Log log);
  void take_events();
  void take(rd_kafka_event_t* event);

  rd_kafka_t* const client_;
  rd_kafka_queue_t* const events_;
  const observe::Log log_;
  observe::SampledLog error_log_;  // the thread's
  std::atomic<bool> ended_{false}, stopping_{false};
  std::thread thread_;
};

// As of RecordPublisher. What librdkafka calls an error in words of its own, which name no address.
Error to_error(rd_kafka_resp_err_t code);

}  // namespace fiso::kafka

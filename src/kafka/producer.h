// Records to one Kafka cluster, by librdkafka: one connection to each of its brokers, whatever the number of shards.
//
// Retries are librdkafka's. With `acks` of all replicas and more than one attempt the producer is idempotent: a record that was
// sent twice is written once, as long as this producer lives. A producer that has come to its end (a fatal error, KIP-360)
// answers kUnavailable until renew() has been called.
//
// Threading: publish() as of RecordPublisher, set_token() anywhere, the rest on the control thread.
#pragma once

#include <memory>
#include <string>

#include "base/guarded.h"
#include "kafka/cluster_config.h"
#include "kafka/record_publisher.h"
#include "observe/log.h"

namespace fiso::kafka {

enum class Acks { kAll, kLeader };

// What makes a producer; who asks for the same gets the same.
struct ProducerOptions {
  std::string cluster;  // its name, for the log
  ClusterConfig config;
  Acks acks = Acks::kAll;
  Duration delivery_timeout = std::chrono::seconds(30);
  int64_t max_attempts = 0;  // 0: as many as there is time for
  Duration retry_pause = std::chrono::milliseconds(100);
  size_t max_record_bytes = 1 << 20;
  bool operator==(const ProducerOptions&) const = default;
};

class ProducerHandle;

class Producer final : public RecordPublisher {
 public:
  static constexpr std::chrono::seconds kFlush{2};  // what is left of an end is cut after this

  // Reads the files of TLS, and waits for no broker. The error is the operator's to read.
  static Result<std::unique_ptr<Producer>> make(ProducerOptions options, observe::Log log);
  // Blocks: what was taken is written, or given up after kFlush. Nobody publishes any more.
  ~Producer() override;

  const ProducerOptions& options() const { return options_; }
  Task<Result<Placement>> publish(const Record& record, MonotonicTime deadline) override;

  // Of OAUTHBEARER: shown to brokers from now on. Until the first one there is no connection.
  void set_token(const Secret& token);
  // There is none any more; connections that are there stay.
  void drop_token(const std::string& why);

  // Begins anew if the producer has come to its end. May block as the destructor does.
  void renew();
  // Records that are not acknowledged yet.
  int64_t queued();
  // For tests: as if the brokers had refused this producer for good.
  void end_fatally();

 private:
  Producer(ProducerOptions options, observe::Log log, std::shared_ptr<ProducerHandle> handle);

  struct Now {
    std::shared_ptr<ProducerHandle> handle;  // nobody but the control thread lets go of one
    Secret token;
  };
  const ProducerOptions options_;
  const observe::Log log_;
  Guarded<Now> now_;  // held for as long as librdkafka takes to queue a record, under locks of its own
};

}  // namespace fiso::kafka

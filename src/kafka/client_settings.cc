#include "kafka/client_settings.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace fiso::kafka {
namespace {

int64_t ms(Duration duration) { return std::max<int64_t>(1, std::chrono::ceil<std::chrono::milliseconds>(duration).count()); }

class Properties {
 public:
  Properties() : settings_(rd_kafka_conf_new(), rd_kafka_conf_destroy) {}

  void set(const char* name, const std::string& value) {
    std::array<char, 512> why{};
    if (rd_kafka_conf_set(settings_.get(), name, value.c_str(), why.data(), why.size()) == RD_KAFKA_CONF_OK) return;
    if (!error_.has_value()) error_ = Error(ErrorCode::kInvalidConfig, std::string(name) + " is not taken by librdkafka");
  }
  void set(const char* name, int64_t value) { set(name, std::to_string(value)); }
  void set_given(const char* name, const std::string& value) {
    if (!value.empty()) set(name, value);
  }

  Result<ClientSettings> finish() {
    if (error_.has_value()) return *error_;
    return std::move(settings_);
  }
  rd_kafka_conf_t* get() { return settings_.get(); }

 private:
  ClientSettings settings_;
  std::optional<Error> error_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : ",").append(word);
  return out;
}

const char* protocol_of(const ClusterConfig& cluster) {
  bool sasl = cluster.auth.mechanism != Mechanism::kNone;
  if (cluster.tls.enabled) return sasl ? "sasl_ssl" : "ssl";
  return sasl ? "sasl_plaintext" : "plaintext";
}

void set_sasl(Properties& properties, const SaslConfig& auth) {
  switch (auth.mechanism) {
    case Mechanism::kNone: return;
    case Mechanism::kOAuthBearer: return properties.set("sasl.mechanisms", "OAUTHBEARER");
    case Mechanism::kPlain: properties.set("sasl.mechanisms", "PLAIN"); break;
    case Mechanism::kScramSha256: properties.set("sasl.mechanisms", "SCRAM-SHA-256"); break;
    case Mechanism::kScramSha512: properties.set("sasl.mechanisms", "SCRAM-SHA-512"); break;
  }
  properties.set("sasl.username", auth.username);
  properties.set("sasl.password", auth.password.reveal());
}

void set_tls(Properties& properties, const ClusterTls& tls) {
  if (!tls.enabled) return;
  properties.set_given("ssl.ca.location", tls.ca_file);
  properties.set_given("ssl.certificate.location", tls.cert_file);
  properties.set_given("ssl.key.location", tls.key_file);
  properties.set("enable.ssl.certificate.verification", tls.skip_verify ? "false" : "true");
  properties.set("ssl.endpoint.identification.algorithm", tls.skip_verify ? "none" : "https");
}

void set_delivery(Properties& properties, const ProducerOptions& options) {
  bool once = options.max_attempts == 1, all = options.acks == Acks::kAll;
  properties.set("message.timeout.ms", ms(options.delivery_timeout));
  properties.set("request.timeout.ms", std::min<int64_t>(ms(options.delivery_timeout), 30'000));
  properties.set("request.required.acks", all ? "all" : "1");
  properties.set("enable.idempotence", all && !once ? "true" : "false");
  if (options.max_attempts > 0) properties.set("message.send.max.retries", options.max_attempts - 1);
  properties.set("retry.backoff.ms", std::min<int64_t>(ms(options.retry_pause), 300'000));
  properties.set("message.max.bytes", static_cast<int64_t>(options.max_record_bytes));
  // Whoever publishes waits: a record is not held back for others to come.
  properties.set("linger.ms", 0);
  // As other clients place keys, so that a key stays in its partition whoever writes it.
  properties.set("partitioner", "murmur2_random");
  properties.set("queue.buffering.max.messages", options.config.max_queued_records);
  properties.set("queue.buffering.max.kbytes", static_cast<int64_t>(options.config.max_queued.count) / 1024);
}

// Called by threads of librdkafka. What matters comes as an event as well.
void ignore_line(const rd_kafka_t* /*client*/, int /*level*/, const char* /*facility*/, const char* /*text*/) {}

}  // namespace

Result<ClientSettings> client_settings(const ProducerOptions& options) {
  Properties properties;
  properties.set("client.id", "fiso");
  properties.set("bootstrap.servers", joined(options.config.brokers));
  properties.set("security.protocol", protocol_of(options.config));
  set_sasl(properties, options.config.auth);
  set_tls(properties, options.config.tls);
  set_delivery(properties, options);
  properties.set("socket.connection.setup.timeout.ms", 10'000);
  properties.set("reconnect.backoff.max.ms", 2'000);
  properties.set("log.connection.close", "false");
  rd_kafka_conf_set_log_cb(properties.get(), ignore_line);
  rd_kafka_conf_set_events(properties.get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH);
  return properties.finish();
}

}  // namespace fiso::kafka

// What librdkafka is told, of a producer's options: its properties, by name.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>

#include "base/result.h"
#include "kafka/producer.h"

namespace fiso::kafka {

using ClientSettings = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;

// kInvalidConfig if librdkafka does not take one; the message does not quote a secret.
Result<ClientSettings> client_settings(const ProducerOptions& options);

}  // namespace fiso::kafka

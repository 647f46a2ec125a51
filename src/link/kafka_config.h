// What a target of `protocol: kafka` says beyond what all targets say: which topic of which cluster, and what its records carry.
#pragma once

#include <map>
#include <string>

#include "config/spec.h"
#include "kafka/producer.h"

namespace fiso::link {

enum class KeyType { kNone, kUuid, kHeader, kPayload, kStatic, kRandom };

struct KafkaKey {
  KeyType type = KeyType::kNone;
  std::string field;  // header and payload: which
  std::string value;  // static
};

struct KafkaTarget {
  std::string cluster;  // of kafka.clusters
  std::string topic;
  KafkaKey key;
  std::map<std::string, std::string> headers;  // of every record
  kafka::Acks acks = kafka::Acks::kAll;
};

struct KafkaSection {
  std::map<std::string, kafka::ClusterConfig> clusters;
};

config::Spec<KafkaTarget> kafka_target_spec();
config::Spec<KafkaSection> kafka_section_spec();

}  // namespace fiso::link

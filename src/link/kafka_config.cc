#include "link/kafka_config.h"

#include <algorithm>

#include "base/ascii.h"
#include "core/outbound.h"

namespace fiso::link {
namespace {

using config::Report;
using config::Spec;

std::optional<std::string> bad_topic(const std::string& topic) {
  bool plain = std::ranges::all_of(topic, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
  if (plain && topic.size() <= 249 && topic != "." && topic != "..") return std::nullopt;
  return "{path} \"{value}\": a topic has up to 249 letters, digits, - _ and .";
}

std::optional<std::string> bad_headers(const std::map<std::string, std::string>& headers) {
  for (const auto& [name, value] : headers) {
    if (name.empty()) return "{path}: a header has no name";
    if (iequals(name, core::kCorrelationHeader)) return "{path}: " + name + " is set by Fiso";
  }
  return std::nullopt;
}

void check_key(const KafkaKey& key, Report& report) {
  bool by_field = key.type == KeyType::kHeader || key.type == KeyType::kPayload;
  std::string type = key.type == KeyType::kHeader ? "header" : "payload";
  if (by_field && key.field.empty()) report.error("field", "{path}: key type \"" + type + "\" requires field parameter");
  if (!by_field && report.has("field")) report.error("field", "{path} has an effect with `type: header` and `payload` only");
  if (key.type == KeyType::kStatic && key.value.empty())
    report.error("value", "{path}: key type static requires value parameter");
  if (key.type != KeyType::kStatic && report.has("value")) report.error("value", "{path} has an effect with `type: static` only");
}

Spec<KafkaKey> key_spec() {
  return Spec<KafkaKey>("key", "The key of a record, which decides its partition.")
      .choice("type", &KafkaKey::type, "Where it comes from.",
              {{"none", KeyType::kNone},
               {"uuid", KeyType::kUuid},
               {"header", KeyType::kHeader},
               {"payload", KeyType::kPayload},
               {"static", KeyType::kStatic},
               {"random", KeyType::kRandom}},
              {.invalid = "{path}: invalid key type \"{value}\" (must be one of: uuid, header, payload, static, random, none)"})
      .field("field", &KafkaKey::field, "`header`: its name. `payload`: the member of the JSON object that is the body.")
      .field("value", &KafkaKey::value, "`static`: the key itself.")
      .check(check_key);
}

}  // namespace

Spec<KafkaTarget> kafka_target_spec() {
  const char* no_acks =
      "{path}: without an acknowledgement an answer of 200 would not mean that a broker has the record; write all or leader";
  return Spec<KafkaTarget>("kafka", "Where a target of `protocol: kafka` publishes what is posted to it.")
      .required("cluster", &KafkaTarget::cluster, "A name in `kafka.clusters`.",
                {.missing = "{path}: kafka protocol requires cluster reference in kafka.cluster field"})
      .required("topic", &KafkaTarget::topic, "The topic.",
                {.missing = "{path}: kafka protocol requires topic in kafka.topic field", .check = bad_topic})
      .field("key", &KafkaTarget::key, key_spec(), "None without the key.")
      .field("headers", &KafkaTarget::headers, "Of every record, in place of the caller's of that name.", {.check = bad_headers})
      .choice(
          "requiredAcks", &KafkaTarget::acks,
          "Who has a record before the answer is 200: `all` replicas that are in sync, or the `leader` alone.",
          {{"all", kafka::Acks::kAll}, {"-1", kafka::Acks::kAll}, {"leader", kafka::Acks::kLeader}, {"1", kafka::Acks::kLeader}},
          {.refused = {{"none", no_acks}, {"0", no_acks}}});
}

Spec<KafkaSection> kafka_section_spec() {
  return Spec<KafkaSection>("kafka", "Kafka clusters, by the names that targets use.")
      .field("clusters", &KafkaSection::clusters, kafka::cluster_spec(), "The clusters.");
}

}  // namespace fiso::link

#include "flow/flow_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/ascii.h"
#include "core/attribute_formats.h"

namespace fiso::flow {
namespace {

using config::Refused;

constexpr char kNoExpressions[] = "expressions are not built yet, only literal text is accepted here";

// With pauses up to 30 s that is most of an hour, and an event is held that long in memory.
constexpr int64_t kMostAttempts = 100;
constexpr size_t kLongestName = 200;

Refused not_built(std::string word) { return {word, "{path} \"" + word + "\" is not built yet in this version"}; }

// What the contract would evaluate as CEL: one of its variables, a quoted text, a number or a call.
bool is_expression(std::string_view text) {
  constexpr std::array<std::string_view, 6> kVariables{"data", "time", "source", "type", "id", "subject"};
  if (text.empty()) return false;
  if (text[0] == '"' || text[0] == '\'' || (text[0] >= '0' && text[0] <= '9') || text.find('(') != std::string_view::npos)
    return true;
  if (text == "true" || text == "false" || text == "null") return true;
  std::string_view word = text.substr(0, text.find_first_of(".[ ?+=!<>&|"));
  bool ends_like_one = word.size() == text.size() || text[word.size()] != ' ';
  return ends_like_one && std::ranges::find(kVariables, word) != kVariables.end();
}

std::optional<std::string> bad_literal(const std::string& value) {
  if (is_expression(value)) return kNoExpressions;
  if (!value.empty() && trim(value).empty()) return "{path} is nothing but white space";
  return std::nullopt;
}

std::optional<std::string> bad_reference(const std::string& value) {
  if (auto complaint = bad_literal(value)) return complaint;
  if (value.empty() || core::to_uri_reference(trim(value)).has_value()) return std::nullopt;
  return "{path} \"{value}\" is not a URI-reference: write a URI, such as https://example.org/x, or a path, such as shop/orders";
}

// In log lines, metrics and, encoded, in the source of CloudEvents.
std::optional<std::string> bad_name(const std::string& name) {
  bool control = std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control || trim(name).size() != name.size())
    return "{path} cannot begin or end with white space or hold control characters";
  if (name.size() > kLongestName)
    return "{path} must be at most " + std::to_string(kLongestName) + " bytes long, got " + std::to_string(name.size());
  return std::nullopt;
}

config::Spec<CloudEventsConfig> cloudevents_spec() {
  return config::Spec<CloudEventsConfig>("cloudevents", "Attributes that are set on every CloudEvent.")
      .field("type", &CloudEventsConfig::type, "The type; without it `fiso.event`.", {.check = bad_literal})
      .field("source", &CloudEventsConfig::source, "The source, a URI-reference; without it `fiso-flow/NAME`.",
             {.check = bad_reference})
      .field("subject", &CloudEventsConfig::subject, "The subject.", {.check = bad_literal})
      .field("dataschema", &CloudEventsConfig::dataschema, "The URI of the data's schema.", {.check = bad_reference})
      .unsupported("id", "an id is an expression over the event, and expressions are not built yet")
      .unsupported("data", "replacing the data is an expression over the event, and expressions are not built yet")
      .unsupported("datacontenttype", "the data is JSON; other content types are not built yet");
}

config::Spec<ErrorHandling> error_handling_spec() {
  config::Rules<int64_t> retries;
  retries.min = 0;
  retries.check = [](const int64_t& value) -> std::optional<std::string> {
    if (value <= kMostAttempts) return std::nullopt;
    return "{path} must be <= " + std::to_string(kMostAttempts) + ", got " + std::to_string(value);
  };
  auto not_built = [](std::string word) {
    return Refused{word, "{path} \"" + word + "\" is not built yet; this version answers a failed event with an error (`sink`)"};
  };
  config::ChoiceRules commit;
  commit.refused = {not_built("sink_or_dlq"), not_built("kafka_transaction")};
  commit.invalid = "{path} \"{value}\" is not valid (must be one of: sink, sink_or_dlq, kafka_transaction)";
  commit.match = config::Match::kIgnoreCase;
  auto pauses_have_effect = [](const ErrorHandling& handling, config::Report& report) {
    if (handling.max_retries < 2 && report.has("backoff"))
      report.error("backoff", "{path} has an effect with `maxRetries` of 2 or more only: there is no pause after one attempt");
  };
  return config::Spec<ErrorHandling>("errorHandling", "What happens when an event cannot be delivered.")
      .field("maxRetries", &ErrorHandling::max_retries, "Attempts at delivery in all, at most 100; 0 and 1 both mean one.",
             retries)
      .choice("backoff", &ErrorHandling::backoff, "How the pause between attempts grows from its 200 ms, up to 30 s.",
              {{"constant", Backoff::kConstant}, {"linear", Backoff::kLinear}, {"exponential", Backoff::kExponential}})
      .choice("statusMode", &ErrorHandling::status_mode,
              "`compatible` answers every failure with 500; `precise` with 400, 502 or 504, by whose fault it was.",
              {{"compatible", core::StatusMode::kCompatible}, {"precise", core::StatusMode::kPrecise}})
      .choice("commitPolicy", &ErrorHandling::commit_policy, "When an event counts as done: `sink`, when the sink has taken it.",
              {{"sink", CommitPolicy::kSink}}, commit)
      .unsupported("deadLetterTopic", "dead letters need a Kafka source, which is not built yet")
      .unsupported("transactionalId", "transactions need Kafka, which is not built yet")
      .check({"maxRetries", "backoff"}, pauses_have_effect);
}

}  // namespace

config::Spec<FlowConfig> flow_spec(const core::Registry& registry) {
  auto source =
      core::component_spec("source", "Where events come from.", registry.sources(), {not_built("kafka"), not_built("grpc")});
  auto sink = core::component_spec("sink", "Where events go.", registry.sinks(),
                                   {not_built("grpc"), not_built("temporal"), not_built("kafka")});
  auto interceptor = core::component_spec("interceptor", "A step that may change or reject an event.", registry.interceptors(),
                                          {not_built("grpc")});
  config::Rules<int64_t> in_flight;
  in_flight.min = 1;
  in_flight.max = 1'000'000;
  return config::Spec<FlowConfig>("flow", "One flow: events from a source, through interceptors, to a sink.")
      .required("name", &FlowConfig::name, "Names the flow in logs, metrics and CloudEvents; unique, at most 200 bytes.",
                {.missing = "name is required", .pattern = "^.{1,200}$", .check = bad_name})
      .required("source", &FlowConfig::source, source, "Where events come from.", "source.type is required")
      .field("cloudevents", &FlowConfig::cloudevents, cloudevents_spec(), "Attributes of the CloudEvents that leave.")
      .field("interceptors", &FlowConfig::interceptors, interceptor, "Steps between source and sink, in order.")
      .required("sink", &FlowConfig::sink, sink, "Where events go.", "sink.type is required")
      .field("errorHandling", &FlowConfig::error_handling, error_handling_spec(), "Retries and answers.")
      .field("maxInFlight", &FlowConfig::max_in_flight, "Events under way at once, over all shards; more are answered 503.",
             in_flight)
      .unsupported("transform", "CEL transforms are not built yet; use a wasm interceptor")
      .unsupported("kafka", "Kafka is not built yet");
}

}  // namespace fiso::flow

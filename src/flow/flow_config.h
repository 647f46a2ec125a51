// A flow as its file describes it.
#pragma once

#include <string>
#include <vector>

#include "config/spec.h"
#include "core/component_config.h"

namespace fiso::flow {

enum class Backoff { kConstant, kLinear, kExponential };
enum class CommitPolicy { kSink };

struct ErrorHandling {
  int64_t max_retries = 0;  // attempts in all; 0 and 1 are one attempt
  Backoff backoff = Backoff::kExponential;
  core::StatusMode status_mode = core::StatusMode::kCompatible;
  CommitPolicy commit_policy = CommitPolicy::kSink;
};

// Attributes set on every CloudEvent; literals, as they were written. Empty: not set.
struct CloudEventsConfig {
  std::string type;
  std::string source;
  std::string subject;
  std::string dataschema;
};

struct FlowConfig {
  std::string name;
  core::ComponentConfig source;
  CloudEventsConfig cloudevents;
  std::vector<core::ComponentConfig> interceptors;
  core::ComponentConfig sink;
  ErrorHandling error_handling;
  int64_t max_in_flight = 1000;
};

// The types that `source.type` and its kin may name are those of the registry.
config::Spec<FlowConfig> flow_spec(const core::Registry& registry);

}  // namespace fiso::flow

#include "server/flow_check.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "flow/flow_plan.h"
#include "observe/stdout_log.h"
#include "server/host.h"

namespace fiso::server {

Result<> check_flow_directory(const FlowRoleOptions& options, const core::Registry& registry, const ProgramEngines& engines,
                              const std::string& wasmer_host) {
  config::Errors errors;
  FISO_TRY(FlowReading reading, read_flows(options, registry, engines.full, errors));
  auto compiles = [](const auto& interceptor) { return static_cast<bool>(interceptor.compile); };
  bool any =
      std::ranges::any_of(reading.flows, [&](const auto& flow) { return std::ranges::any_of(flow.interceptors, compiles); });
  if (!any) return {};
  FISO_TRY(ControlEvents events, ControlEvents::make());
  observe::StdoutLog output({.fd = STDERR_FILENO});
  observe::Metrics metrics;
  Host host(reading.settings, metrics, observe::Log(output, observe::LogLevel::kInfo, "check"), events.stop_request(), engines,
            wasmer_host);
  FISO_TRY_OK(host.runtimes());
  std::string problems;
  for (const flow::FlowDraft& flow : reading.flows) {
    auto compiled = flow::FlowPlan::compile(flow, host.resources());
    if (compiled.has_value()) continue;
    if (compiled.error().code() == ErrorCode::kCancelled) return compiled;
    problems += (problems.empty() ? "" : "\n") + compiled.error().describe();
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return {};
}

}  // namespace fiso::server

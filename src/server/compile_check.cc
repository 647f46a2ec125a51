#include "server/compile_check.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "apps/guest_setup.h"
#include "observe/stdout_log.h"
#include "server/control_events.h"
#include "server/host.h"

namespace fiso::server {

Result<> compile_for_check(const std::vector<core::Compile>& all, const Settings& settings, const ProgramEngines& engines,
                           const std::string& wasmer_host) {
  if (all.empty()) return {};
  FISO_TRY(ControlEvents events, ControlEvents::make());
  observe::StdoutLog output({.fd = STDERR_FILENO});
  observe::Metrics metrics;
  Host host(settings, metrics, observe::Log(output, observe::LogLevel::kInfo, "check"), events.stop_request(), engines,
            wasmer_host);
  FISO_TRY_OK(host.runtimes());
  std::string problems;
  for (const core::Compile& compile : all) {
    auto compiled = compile(host.resources());
    if (compiled.has_value()) continue;
    if (compiled.error().code() == ErrorCode::kCancelled) return compiled;
    problems += (problems.empty() ? "" : "\n") + compiled.error().describe();
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return {};
}

void add_compiles(const std::vector<flow::FlowDraft>& flows, std::vector<core::Compile>& all) {
  auto compiles = [](const auto& interceptor) { return static_cast<bool>(interceptor.compile); };
  for (const flow::FlowDraft& flow : flows)
    if (std::ranges::any_of(flow.interceptors, compiles))
      all.emplace_back([&flow](const core::Resources& resources) { return flow::FlowPlan::compile(flow, resources); });
}

void add_compiles(const std::string& target, const link::InterceptorDrafts& drafts, std::vector<core::Compile>& all) {
  for (size_t i = 0; i < drafts.size(); ++i) {
    if (!drafts[i].compile) continue;
    all.emplace_back([&target, &draft = drafts[i], i](const core::Resources& resources) -> Result<> {
      auto compiled = draft.compile(resources);
      if (compiled.has_value() || compiled.error().code() == ErrorCode::kCancelled) return compiled;
      return link::with_place(target, i, draft, compiled.take_error());
    });
  }
}

void add_compiles(const std::vector<apps::AppConfig>& apps, bool alone, std::vector<core::Compile>& all) {
  for (const apps::AppConfig& app : apps)
    all.emplace_back([&app, alone](const core::Resources& resources) -> Result<> {
      auto compiled = apps::compile_app(app, resources);
      if (compiled.has_value() || compiled.error().code() == ErrorCode::kCancelled || alone) return compiled;
      return compiled.take_error().with_context("app " + app.name);
    });
}

}  // namespace fiso::server

#include "server/generation.h"

#include <string_view>
#include <thread>
#include <utility>

namespace fiso::server {

GenerationReplica::GenerationReplica(std::shared_ptr<const Generation> generation, async::Shard& shard)
    : generation_(std::move(generation)), routes_(generation_->routes_.on(shard)) {
  for (const auto& flow : generation_->flows_) {
    flows_.push_back(flow->make(shard));
    flows_.back()->start();
  }
}

net::HttpService* GenerationReplica::find(std::string_view address, std::string_view path) const {
  return routes_.find(address, path);
}

bool GenerationReplica::serves(std::string_view address) const { return routes_.serves(address); }

void GenerationReplica::end_retries() const {
  for (const auto& flow : flows_) flow->end_retries();
}

Result<std::shared_ptr<Generation>> Generation::build(const std::vector<flow::FlowDraft>& drafts,
                                                      const Environment& environment) {
  std::shared_ptr<Generation> generation(new Generation(environment.shards.count(), environment));
  core::Resources resources = environment.resources;
  resources.add(generation->routes_);
  std::string problems;
  for (const flow::FlowDraft& draft : drafts) {
    auto plan = flow::FlowPlan::prepare(draft, environment.shards, resources, environment.metrics, environment.log);
    if (plan.has_value()) {
      generation->flows_.push_back(std::move(*plan));
    } else if (plan.error().code() == ErrorCode::kCancelled) {
      return plan.take_error();
    } else {
      problems += (problems.empty() ? "" : "\n") + plan.error().describe();
    }
  }
  if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
  return generation;
}

Result<> Generation::wait_warm(Duration longest) const {
  constexpr std::chrono::milliseconds kLook{1};
  MonotonicTime deadline = Clock::system().now() + longest;
  for (;;) {
    std::vector<std::string_view> cold;
    std::string problems;
    for (const auto& flow : flows_) {
      auto warm = flow->warm();
      if (!warm.has_value()) problems += (problems.empty() ? "" : "\n") + warm.error().describe();
      if (warm.has_value() && !*warm) cold.push_back(flow->name());
    }
    if (stop_.made()) return {};
    if (!cold.empty() && Clock::system().now() < deadline) {  // also where some have failed: all of them are told
      std::this_thread::sleep_for(kLook);
      continue;
    }
    if (!problems.empty()) return Error(ErrorCode::kInvalidConfig, std::move(problems));
    for (std::string_view name : cold)
      log_.warn("flow is served before all that it starts ahead stands ready",
                {{"name", name}, {"waited", format_duration(longest)}});
    return {};
  }
}

}  // namespace fiso::server

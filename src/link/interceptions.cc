#include "link/interceptions.h"

#include <algorithm>
#include <utility>

namespace fiso::link {

Result<std::shared_ptr<const InterceptionPlan>> InterceptionPlan::prepare(const std::string& target,
                                                                          const InterceptorDrafts& drafts,
                                                                          core::Resources& resources, observe::Metrics& metrics,
                                                                          const observe::Log& log) {
  auto plan = std::make_shared<InterceptionPlan>();
  core::BuildContext context{"link/" + target, log.with({{"target", target}}), metrics, resources};
  for (const auto& draft : drafts)
    if (!draft.module.empty()) context.modules.push_back(draft.module);
  for (size_t i = 0; i < drafts.size(); ++i) {
    auto prepared = drafts[i].prepare(context);
    if (!prepared.has_value())
      return prepared.take_error()
          .with_context("interceptor[" + std::to_string(i) + "]")
          .with_context("target \"" + target + "\"");
    auto& part = drafts[i].phase == core::CallFacts::Direction::kOutbound ? plan->requests_ : plan->answers_;
    part.push_back(std::move(*prepared));
  }
  return std::shared_ptr<const InterceptionPlan>(std::move(plan));
}

bool InterceptionPlan::warm() const {
  auto all = [](const std::vector<Part>& parts) {
    return std::ranges::all_of(parts, [](const Part& part) { return part->warm(); });
  };
  return all(requests_) && all(answers_);
}

std::shared_ptr<Interceptions> InterceptionPlan::make(async::Shard& shard) const {
  auto chain = [&](const std::vector<Part>& parts) {
    std::vector<std::unique_ptr<core::Interceptor>> interceptors;
    for (const Part& part : parts) interceptors.push_back(part->make(shard));
    return core::Chain(std::move(interceptors));
  };
  return std::make_shared<Interceptions>(shared_from_this(), chain(requests_), chain(answers_));
}

}  // namespace fiso::link

#include "link/interceptions.h"

#include <utility>

#include "components/interceptors/wasm/module_label.h"

namespace fiso::link {

Error with_place(const std::string& target, size_t index, const core::Draft<core::Interceptor>& draft, Error error) {
  Error told =
      std::move(error).with_context("interceptor[" + std::to_string(index) + "]").with_context("target \"" + target + "\"");
  return draft.placed ? Error(told.code(), draft.placed(told.describe())) : told;
}

Result<std::shared_ptr<const InterceptionPlan>> InterceptionPlan::prepare(const std::string& target,
                                                                          const InterceptorDrafts& drafts,
                                                                          core::Resources& resources, observe::Metrics& metrics,
                                                                          const observe::Log& log) {
  auto plan = std::make_shared<InterceptionPlan>();
  if (const auto* shards = resources.find<async::ShardSet>()) plan->ahead_.resize(shards->count());
  core::BuildContext context{"link/" + target, log.with({{"target", target}}), metrics, resources};
  for (const auto& draft : drafts)
    if (!draft.module.empty()) context.modules.push_back(draft.module);
  for (size_t i = 0; i < drafts.size(); ++i) {
    auto placed = [target, i, draft = core::Draft<core::Interceptor>{.placed = drafts[i].placed}](Error error) {
      return with_place(target, i, draft, std::move(error));
    };
    auto prepared = drafts[i].prepare(context);
    if (!prepared.has_value() && prepared.error().code() == ErrorCode::kCancelled) return prepared.take_error();
    if (!prepared.has_value()) return placed(prepared.take_error());
    const auto& draft = drafts[i];
    bool outbound = draft.phase == core::CallFacts::Direction::kOutbound;
    std::string module = draft.module.empty() ? draft.app : interceptors::module_label(draft.module, context.modules);
    (outbound ? plan->requests_ : plan->answers_)
        .push_back({std::move(*prepared), std::move(placed),
                    std::make_unique<InterceptorSeries>(metrics, target, module, outbound ? "outbound" : "inbound")});
  }
  return std::shared_ptr<const InterceptionPlan>(std::move(plan));
}

Result<bool> InterceptionPlan::warm() const {
  bool all = true;
  for (const auto* parts : {&requests_, &answers_}) {
    for (const Part& part : *parts) {
      auto warm = part.plan->warm();
      if (!warm.has_value()) return part.placed(warm.take_error());
      all = all && *warm;
    }
  }
  return all;
}

std::shared_ptr<Interceptions> InterceptionPlan::make(async::Shard& shard) const {
  if (shard.index() < ahead_.size() && ahead_[shard.index()] != nullptr) return std::exchange(ahead_[shard.index()], nullptr);
  auto chain = [&](const std::vector<Part>& parts) {
    std::vector<std::unique_ptr<core::Interceptor>> interceptors;
    for (const Part& part : parts)
      interceptors.push_back(std::make_unique<MeasuredInterceptor>(part.plan->make(shard), *part.series));
    return core::Chain(std::move(interceptors));
  };
  return std::make_shared<Interceptions>(shared_from_this(), chain(requests_), chain(answers_));
}

}  // namespace fiso::link

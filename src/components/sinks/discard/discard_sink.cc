#include "components/sinks/discard/discard_sink.h"

namespace fiso::sinks {
namespace {

class DiscardPlan final : public core::Plan<core::Sink> {
 public:
  std::unique_ptr<core::Sink> make(async::Shard&) const override { return std::make_unique<DiscardSink>(); }
};

}  // namespace

config::Spec<DiscardSink::Config> DiscardSink::spec() { return {"discard", "Takes every event and keeps none."}; }

core::Prepared<core::Sink> DiscardSink::prepare(const Config&, core::BuildContext&) { return std::make_shared<DiscardPlan>(); }

Task<Result<>> DiscardSink::deliver(const core::Outbound&) { co_return Result<>(); }

}  // namespace fiso::sinks

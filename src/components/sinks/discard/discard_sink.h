// Takes every event and keeps none: for measuring what comes before a sink, and for trying a flow out.
#pragma once

#include "core/component.h"

namespace fiso::sinks {

class DiscardSink final : public core::Sink {
 public:
  static constexpr std::string_view kType = "discard";
  struct Config {};
  static config::Spec<Config> spec();
  static core::Prepared<core::Sink> prepare(const Config& config, core::BuildContext& context);

  Task<Result<>> deliver(const core::Outbound& event) override;
  std::string_view target() const override { return kType; }
};

}  // namespace fiso::sinks

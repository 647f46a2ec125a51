// Writes each event to standard output as one line of JSON.
//
// The event counts as delivered when its line has been written. Standard output may be a pipe that nobody reads: then events
// fail at their timeout, or at once when too many wait, and nothing else is held up (see line_queue.h).
#pragma once

#include "components/sinks/stdout/line_queue.h"
#include "core/component.h"

namespace fiso::sinks {

class StdoutSink final : public core::Sink {
 public:
  static constexpr std::string_view kType = "stdout";
  struct Config {
    Duration timeout = std::chrono::seconds(30);
  };
  static config::Spec<Config> spec();
  static core::Prepared<core::Sink> prepare(const Config& config, core::BuildContext& context);

  StdoutSink(LineQueue& output, const Config& config) : output_(output), config_(config) {}
  Task<Result<>> deliver(const core::Outbound& event) override;
  std::string_view target() const override { return kType; }

 private:
  LineQueue& output_;
  const Config config_;
};

}  // namespace fiso::sinks

// Writes each event to standard output as one line of JSON.
//
// Lines of any length stay whole: they are written one at a time. The write runs on the blocking pool, since standard output
// may be a pipe that nobody reads; the event counts as delivered when it has been written.
#pragma once

#include "async/blocking_pool.h"
#include "core/component.h"

namespace fiso::sinks {

class StdoutSink final : public core::Sink {
 public:
  static constexpr std::string_view kType = "stdout";
  struct Config {};
  static config::Spec<Config> spec();
  static core::Prepared<core::Sink> prepare(const Config& config, core::BuildContext& context);

  // `fd` is standard output, except in tests.
  StdoutSink(async::BlockingPool& blocking, int fd) : blocking_(blocking), fd_(fd) {}
  Task<Result<>> deliver(const core::Outbound& event) override;

 private:
  async::BlockingPool& blocking_;
  int fd_;
};

}  // namespace fiso::sinks

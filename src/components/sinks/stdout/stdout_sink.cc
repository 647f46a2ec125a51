#include "components/sinks/stdout/stdout_sink.h"

#include <utility>

#include "json/text.h"

namespace fiso::sinks {
namespace {

class StdoutPlan final : public core::Plan<core::Sink> {
 public:
  StdoutPlan(LineQueue& output, const StdoutSink::Config& config) : output_(output), config_(config) {}
  std::unique_ptr<core::Sink> make(async::Shard&) const override { return std::make_unique<StdoutSink>(output_, config_); }

 private:
  LineQueue& output_;
  const StdoutSink::Config config_;
};

}  // namespace

config::Spec<StdoutSink::Config> StdoutSink::spec() {
  config::Rules<Duration> timeout;
  timeout.min = std::chrono::milliseconds(1);
  timeout.max = std::chrono::minutes(10);
  return config::Spec<Config>("stdout", "Writes each event to standard output, one line per event.")
      .field("timeout", &Config::timeout, "How long an event waits for standard output to take it.", timeout);
}

core::Prepared<core::Sink> StdoutSink::prepare(const Config& config, core::BuildContext& context) {
  return std::make_shared<StdoutPlan>(context.resources.get<LineQueue>(), config);
}

Task<Result<>> StdoutSink::deliver(const core::Outbound& event) {
  std::string line;
  line.reserve(event.size());
  for (std::string_view piece : event.body()) json::is_single_line(piece) ? (void)line.append(piece) : json::compact(piece, line);
  co_return co_await output_.write(std::move(line), Clock::system().now() + config_.timeout);
}

}  // namespace fiso::sinks

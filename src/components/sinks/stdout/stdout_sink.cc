#include "components/sinks/stdout/stdout_sink.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/guarded.h"
#include "json/text.h"

namespace fiso::sinks {
namespace {

struct Nothing {};

// Whoever shares our terminal or pipe may have made it non-blocking.
bool wait_writable(int fd) {
  pollfd watched{fd, POLLOUT, 0};
  return poll(&watched, 1, -1) > 0 || errno == EINTR;
}

// One line at a time, whichever thread writes it. Zero, or errno.
int write_line(int fd, std::string_view line) {
  static Guarded<Nothing> output;
  return output.with([&](Nothing&) {
    while (!line.empty()) {
      ssize_t written = ::write(fd, line.data(), line.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN && wait_writable(fd)) continue;
      if (written < 0) return errno;
      line.remove_prefix(static_cast<size_t>(written));
    }
    return 0;
  });
}

class StdoutPlan final : public core::Plan<core::Sink> {
 public:
  explicit StdoutPlan(async::BlockingPool& blocking) : blocking_(blocking) {}
  std::unique_ptr<core::Sink> make(async::Shard&) const override {
    return std::make_unique<StdoutSink>(blocking_, STDOUT_FILENO);
  }

 private:
  async::BlockingPool& blocking_;
};

}  // namespace

config::Spec<StdoutSink::Config> StdoutSink::spec() {
  return {"stdout", "Writes each event to standard output, one line per event."};
}

core::Prepared<core::Sink> StdoutSink::prepare(const Config&, core::BuildContext& context) {
  return std::make_shared<StdoutPlan>(context.resources.get<async::BlockingPool>());
}

Task<Result<>> StdoutSink::deliver(const core::Outbound& event) {
  std::string line;
  line.reserve(event.size() + 1);
  for (std::string_view piece : event.body()) json::is_single_line(piece) ? (void)line.append(piece) : json::compact(piece, line);
  line += '\n';
  auto written = co_await blocking_.run([fd = fd_, line = std::move(line)] { return write_line(fd, line); });
  if (!written.has_value()) co_return written.take_error();
  if (*written != 0) co_return Error(ErrorCode::kUnavailable, "standard output: " + std::generic_category().message(*written));
  co_return Result<>();
}

}  // namespace fiso::sinks

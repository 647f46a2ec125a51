#include "server/apps_start_report.h"

namespace fiso::server {
namespace {

constexpr std::chrono::milliseconds kSoon{10};
constexpr std::chrono::milliseconds kLater{200};
constexpr uint64_t kFailedStarts = 2;  // that are told of: the first may have come too early

bool has_failed(const apps::AppStatus& app, MonotonicTime began, MonotonicTime now) {
  return app.state == apps::State::kStopped || app.state == apps::State::kUnhealthy || app.restarts >= kFailedStarts ||
         now - began >= app.start_timeout;
}

}  // namespace

std::optional<Duration> AppsStartReport::look(const std::vector<apps::AppStatus>& all, MonotonicTime began, MonotonicTime now) {
  size_t left = 0, running = 0;
  for (const apps::AppStatus& app : all) {
    if (running_.contains(app.name)) {
      ++running;
    } else if (app.state == apps::State::kHealthy) {
      std::fprintf(out_, "App %s running at %s:%u\n", app.name.c_str(), std::string(app.reachable_host()).c_str(), app.port);
      running_.insert(app.name);
      ++running;
    } else if (!not_healthy_.contains(app.name) && has_failed(app, began, now)) {
      std::fprintf(out_, "App %s is not healthy: %s\n", app.name.c_str(), std::string(to_string(app.state)).c_str());
      not_healthy_.insert(app.name);
    } else if (!not_healthy_.contains(app.name)) {
      ++left;
    }
  }
  if (left == 0 && !complete_) {
    complete_ = true;
    std::fprintf(out_, "Press Ctrl+C to stop\n");
  }
  std::fflush(out_);
  if (complete_ && running == all.size()) return std::nullopt;
  return complete_ ? kLater : kSoon;
}

}  // namespace fiso::server

#include "server/reloads.h"

#include <utility>

namespace fiso::server {

void Reloads::begin(const char* kind, const std::string& path) {
  log_.info("config change detected", {{kind, path}});
  began_ = Clock::system().now();
}

void Reloads::note_changes(const Settings& in_use, const Settings& read) {
  Settings fixed = in_use;
  fixed.shutdown_timeout = read.shutdown_timeout;  // the one that is simply taken over
  restart_needed_ = settings_spec().changed(fixed, read);
  for (const std::string& key : restart_needed_)
    log_.warn("setting has changed and takes effect at the next start", {{"key", key}});
}

void Reloads::end(const Result<>& outcome) {
  if (!outcome.has_value()) {
    log_.error("failed to load config, the old one stays", {{"error", outcome.error().describe()}});
    return record(outcome.error().describe());
  }
  log_.info("config reloaded",
            {{"duration_ms", std::chrono::duration<double, std::milli>(Clock::system().now() - began_).count()}});
  record("");
}

void Reloads::end_in_part(const Error& error) {
  log_.error("config reloaded in part, what is told here stays as it was", {{"error", error.describe()}});
  record(error.describe());
}

void Reloads::record(std::string error) {
  metrics_
      .counter("fiso_config_reloads_total", "Attempts to read the configuration again.",
               {{"result", error.empty() ? "ok" : "failed"}})
      .increment();
  verdicts_.record(std::move(error), Clock::system().now() - began_, restart_needed_);
}

}  // namespace fiso::server

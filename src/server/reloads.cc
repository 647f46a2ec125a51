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
  note_restart_needed(settings_spec().changed(fixed, read));
}

void Reloads::note_restart_needed(std::vector<std::string> keys) {
  restart_needed_ = std::move(keys);
  for (const std::string& key : restart_needed_)
    log_.warn("setting has changed and takes effect at the next start", {{"key", key}});
}

void Reloads::end(const Result<>& outcome) {
  Duration took = Clock::system().now() - began_;
  std::string error = outcome.has_value() ? "" : outcome.error().describe();
  metrics_
      .counter("fiso_config_reloads_total", "Attempts to read the configuration again.",
               {{"result", error.empty() ? "ok" : "failed"}})
      .increment();
  if (error.empty()) {
    log_.info("config reloaded", {{"duration_ms", std::chrono::duration<double, std::milli>(took).count()}});
  } else {
    log_.error("failed to load config, the old one stays", {{"error", error}});
  }
  verdicts_.record(std::move(error), took, restart_needed_);
}

}  // namespace fiso::server

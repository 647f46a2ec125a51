#include "server/reloads.h"

#include <utility>

namespace fiso::server {

void Reloads::watch(ControlEvents& events) {
  auto watched = kind_ == Of::kDirectory ? events.watch(path_) : events.watch_file(path_);
  if (watched.has_value())
    watch_ = *watched;
  else
    not_watched_ = watched.take_error();
}

void Reloads::join(observe::Metrics& metrics, observe::Log log) {
  metrics_ = &metrics;
  log_ = std::move(log);
}

void Reloads::announce() const {
  bool is_file = kind_ == Of::kFile;
  if (watch_.has_value() && is_file) log_.info("watching config file", {{"file", path_}});
  if (watch_.has_value() && !is_file) log_.info("watching config directory", {{"dir", path_}});
  if (!not_watched_.has_value()) return;
  std::string why = not_watched_->describe();
  if (is_file)
    log_.warn("config file is not watched, SIGHUP still reloads", {{"error", why}});
  else
    log_.warn("config directory is not watched, SIGHUP still reloads", {{"error", why}});
}

void Reloads::begin() {
  log_.info("config change detected", {{kind(), path_}});
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
      ->counter("fiso_config_reloads_total", "Attempts to read the configuration again.",
                {{"result", error.empty() ? "ok" : "failed"}})
      .increment();
  verdicts_.record(std::move(error), Clock::system().now() - began_, restart_needed_);
}

}  // namespace fiso::server

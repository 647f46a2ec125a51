// How a role's configuration is read again: when, and what became of it, told in the same words by every role, in the log, in a
// series, in GET /reload.
//
// Control thread, but for the verdicts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "observe/log.h"
#include "observe/metrics.h"
#include "server/control_events.h"
#include "server/reload_verdict.h"
#include "server/settings.h"

namespace fiso::server {

class Reloads {
 public:
  enum class Of { kDirectory, kFile };
  Reloads(Of kind, std::string path) : kind_(kind), path_(std::move(path)) {}

  // Changes are told from now on. Before the configuration is read, so that none is missed.
  void watch(ControlEvents& events);
  // Before what follows.
  void join(observe::Metrics& metrics, observe::Log log);
  // Says whether changes are told.
  void announce() const;
  // Whether the reload that the events tell of is one for this configuration.
  bool concerned(const ControlEvents& events) const { return events.concerns(watch_); }

  // What was read first took effect.
  void record_start(Duration took) { verdicts_.record("", took); }
  // Of an attempt; one that has begun is begun anew.
  void begin();
  // Keys of settings that say something else than what is in use, and cannot change while it serves: all but shutdownTimeout.
  void note_changes(const Settings& in_use, const Settings& read);
  // The same of keys that were found by other means.
  void note_restart_needed(std::vector<std::string> keys);
  // Whether the configuration took effect.
  void end(const Result<>& outcome);
  // It did, but for what the error says.
  void end_in_part(const Error& error);

  const ReloadVerdicts& verdicts() const { return verdicts_; }

 private:
  const char* kind() const { return kind_ == Of::kDirectory ? "dir" : "file"; }
  void record(std::string error);

  const Of kind_;
  const std::string path_;
  ControlEvents::WatchId watch_;
  std::optional<Error> not_watched_;
  observe::Metrics* metrics_ = nullptr;
  observe::Log log_;
  ReloadVerdicts verdicts_;
  MonotonicTime began_{};
  std::vector<std::string> restart_needed_;
};

}  // namespace fiso::server

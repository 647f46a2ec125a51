// Attempts to read the configuration again, told in the same words by every program: in the log, in a series, in GET /reload.
//
// Control thread. Borrows the verdicts and the metrics.
#pragma once

#include <string>
#include <vector>

#include "observe/log.h"
#include "observe/metrics.h"
#include "server/reload_verdict.h"
#include "server/settings.h"

namespace fiso::server {

class Reloads {
 public:
  Reloads(ReloadVerdicts& verdicts, observe::Metrics& metrics, observe::Log log)
      : verdicts_(verdicts), metrics_(metrics), log_(std::move(log)) {}

  // What is read is named in the log: `dir` or `file`. One that has begun is begun anew.
  void begin(const char* kind, const std::string& path);
  // Keys of settings that say something else than what is in use, and cannot change while it serves: all but shutdownTimeout.
  void note_changes(const Settings& in_use, const Settings& read);
  // Whether the configuration took effect.
  void end(const Result<>& outcome);
  // It did, but for what the error says.
  void end_in_part(const Error& error);

 private:
  void record(std::string error);

  ReloadVerdicts& verdicts_;
  observe::Metrics& metrics_;
  observe::Log log_;
  MonotonicTime began_{};
  std::vector<std::string> restart_needed_;
};

}  // namespace fiso::server

// What the mains of all servers do once their arguments are known: read signals, log, run a process to its end.
#pragma once

#include <string>
#include <vector>

#include "server/process.h"

namespace fiso::server {

// What is said before and after, for who watches the program.
struct Announcements {
  std::string error_prefix = "error: ";
  std::function<void()> started = [] {};  // all has started
  std::function<void()> stopped = [] {};
};

struct LogOptions {
  std::string component;
  std::string level;  // debug, info, warn, error
  int descriptor = 1;
};

// The exit code. 0: stopped in order; 1: an error, on stderr, or a stop that cut something.
int run_process(ProcessOptions options, const std::vector<Role*>& roles, const ProgramEngines& engines, const LogOptions& log,
                const Announcements& announce = {});

}  // namespace fiso::server

// What the kernel says of one process in /proc/PID/stat.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"

namespace fiso::observe {

struct ProcStat {
  Duration cpu{};           // user and system, of all its threads
  Duration children_cpu{};  // the same of the children that it has waited for, with theirs
  double start_ticks = 0;   // after boot, of sysconf(_SC_CLK_TCK) a second
  uint64_t virtual_bytes = 0;
  uint64_t resident_bytes = 0;
};

// `process`: its number, or "self". Nothing if there is no such process any more.
std::optional<ProcStat> read_proc_stat(const std::string& process);

}  // namespace fiso::observe

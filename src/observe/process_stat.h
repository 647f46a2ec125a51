// What the kernel counts of one process: proc(5), /proc/PID/stat.
#pragma once

#include <optional>
#include <string>

namespace fiso::observe {

struct ProcessStat {
  double cpu_seconds = 0;  // user and system
  double start_ticks = 0;  // after boot
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

// `process`: its number, or "self". Nothing if there is no such process. Reads /proc now.
std::optional<ProcessStat> read_process_stat(const std::string& process);

}  // namespace fiso::observe

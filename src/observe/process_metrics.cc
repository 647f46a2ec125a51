#include "observe/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "observe/proc_stat.h"

namespace fiso::observe {
namespace {

using prometheus::MetricType;

void append(std::vector<prometheus::MetricFamily>& families, MetricType type, std::string name, std::string help, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  families.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
}

// Seconds since the epoch, from /proc/stat.
std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return std::nullopt;
}

std::optional<double> open_fds() {
  std::error_code error;
  std::filesystem::directory_iterator list("/proc/self/fd", error);
  if (error) return std::nullopt;
  double count = -1;  // the one that reads the directory
  for (; list != std::filesystem::directory_iterator(); list.increment(error)) ++count;
  return count;
}

}  // namespace

void append_process_metrics(std::vector<prometheus::MetricFamily>& families) {
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  if (auto stat = read_proc_stat("self")) {
    append(families, MetricType::Counter, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
           std::chrono::duration<double>(stat->cpu).count());
    append(families, MetricType::Gauge, "process_resident_memory_bytes", "Resident memory, in bytes.",
           static_cast<double>(stat->resident_bytes));
    append(families, MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory, in bytes.",
           static_cast<double>(stat->virtual_bytes));
    if (auto boot = boot_time())
      append(families, MetricType::Gauge, "process_start_time_seconds", "When the process started, in seconds since the epoch.",
             *boot + stat->start_ticks / ticks_per_second);
  }
  if (auto fds = open_fds()) append(families, MetricType::Gauge, "process_open_fds", "Open file descriptors.", *fds);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    append(families, MetricType::Gauge, "process_max_fds", "Limit of open file descriptors.",
           static_cast<double>(limit.rlim_cur));
}

}  // namespace fiso::observe

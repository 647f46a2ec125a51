#include "observe/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace fiso::observe {
namespace {

using prometheus::MetricType;

void append(std::vector<prometheus::MetricFamily>& families, MetricType type, std::string name, std::string help, double value) {
  prometheus::ClientMetric metric;
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  families.push_back({std::move(name), std::move(help), type, {std::move(metric)}});
}

// proc(5), /proc/PID/stat: the fields behind the command name, which may hold anything, so they are counted from its end.
struct Stat {
  double cpu_ticks = 0;       // 14 utime + 15 stime
  double start_ticks = 0;     // 22 starttime, after boot
  double virtual_bytes = 0;   // 23 vsize
  double resident_pages = 0;  // 24 rss
};

std::optional<Stat> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text(std::istreambuf_iterator<char>(file), {});
  size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  Stat stat;
  std::string word;
  for (int field = 3; field <= 24 && rest >> word; ++field) {
    double value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field == 14 || field == 15) stat.cpu_ticks += value;
    if (field == 22) stat.start_ticks = value;
    if (field == 23) stat.virtual_bytes = value;
    if (field == 24) stat.resident_pages = value;
  }
  return stat;
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
  const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
  if (auto stat = read_stat()) {
    append(families, MetricType::Counter, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
           stat->cpu_ticks / ticks_per_second);
    append(families, MetricType::Gauge, "process_resident_memory_bytes", "Resident memory, in bytes.",
           stat->resident_pages * page_size);
    append(families, MetricType::Gauge, "process_virtual_memory_bytes", "Virtual memory, in bytes.", stat->virtual_bytes);
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

#include "observe/process_stat.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace fiso::observe {

// The fields are counted from the end of the command name, which may hold anything.
std::optional<ProcessStat> read_process_stat(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  std::string text(std::istreambuf_iterator<char>(file), {});
  size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
  std::istringstream rest(text.substr(name_end + 1));
  ProcessStat stat;
  std::string word;
  for (int field = 3; field <= 24 && rest >> word; ++field) {
    double value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field == 14 || field == 15) stat.cpu_seconds += value / ticks_per_second;  // utime, stime
    if (field == 22) stat.start_ticks = value;
    if (field == 23) stat.virtual_bytes = value;
    if (field == 24) stat.resident_bytes = value * page_size;
  }
  return stat;
}

}  // namespace fiso::observe

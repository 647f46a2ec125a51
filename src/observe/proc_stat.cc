#include "observe/proc_stat.h"

#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

namespace fiso::observe {

// proc(5): the fields behind the command name, which may hold anything, so they are counted from its end.
std::optional<ProcStat> read_proc_stat(const std::string& process) {
  std::ostringstream content;
  // An iterator over the buffer would throw where the process ends between the opening and the reading.
  content << std::ifstream("/proc/" + process + "/stat").rdbuf();
  std::string text = std::move(content).str();
  size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const int64_t tick = std::chrono::nanoseconds(std::chrono::seconds(1)).count() / sysconf(_SC_CLK_TCK);
  std::istringstream rest(text.substr(name_end + 1));
  ProcStat stat;
  std::string word;
  for (int field = 3; field <= 24 && rest >> word; ++field) {
    int64_t value = 0;
    std::from_chars(word.data(), word.data() + word.size(), value);
    if (field == 14 || field == 15) stat.cpu += Duration(value * tick);           // utime, stime
    if (field == 16 || field == 17) stat.children_cpu += Duration(value * tick);  // cutime, cstime
    if (field == 22) stat.start_ticks = static_cast<double>(value);
    if (field == 23) stat.virtual_bytes = static_cast<uint64_t>(value);
    if (field == 24) stat.resident_bytes = static_cast<uint64_t>(value) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  }
  return stat;
}

}  // namespace fiso::observe

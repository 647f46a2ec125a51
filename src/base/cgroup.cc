#include "base/cgroup.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>
#include <string_view>

namespace fiso {
namespace {

constexpr std::string_view kVersion2;  // in place of a controller's name: one hierarchy has them all

bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words(list);
  for (std::string one; std::getline(words, one, ',');)
    if (one == word) return true;
  return false;
}

// "4:cpu,cpuacct:/a/b" in version 1, "0::/a/b" in version 2. A group above the root of what we see is that root.
std::string own_group(const std::string& root, std::string_view controller) {
  std::ifstream groups(root + "/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    bool ours = controller == kVersion2 ? controllers.empty() : has_word(controllers, controller);
    if (ours) return path.find("/..") == std::string::npos ? path : "/";
  }
  return "/";
}

// `group` as it is named below a mount that shows `shown`: "" is the mount itself.
std::optional<std::string> below(const std::string& group, const std::string& shown) {
  if (group == shown) return "";
  if (shown == "/") return group;
  if (group.starts_with(shown + "/")) return group.substr(shown.size());
  return std::nullopt;
}

struct Place {
  std::string mount;
  std::string group;  // below it
};

Place find_place(const std::string& root, std::string_view controller) {
  std::string group = own_group(root, controller);
  std::string usual = controller == kVersion2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + std::string(controller);
  Place place{usual, group == "/" ? "" : group};
  std::ifstream mounts(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // proc(5): id, parent, device, what of the file system is shown, where, options..., "-", type, source, its options
    std::istringstream words(line);
    std::string word, shown, point, type, source, options;
    words >> word >> word >> word >> shown >> point;
    while (words >> word && word != "-") {}
    words >> type >> source >> options;
    if (controller == kVersion2 ? type != "cgroup2" : type != "cgroup" || !has_word(options, controller)) continue;
    if (auto found = below(group, shown)) return {point, *found};
    place = {point, ""};  // a container that sees its own group only, under the name that it has outside
  }
  return place;
}

// Calls `read` with the directory of the process's group and of each one around it.
void visit_groups(const std::string& root, std::string_view controller, const std::function<void(const std::string&)>& read) {
  Place place = find_place(root, controller);
  for (std::string group = place.group;; group.resize(group.rfind('/'))) {
    read(root + place.mount + group);
    if (group.find('/') == std::string::npos) return;
  }
}

template <class T>
void take_least(std::optional<T>& least, T limit) {
  least = std::min(least.value_or(limit), limit);
}

void take_quota(CgroupLimits& limits, double quota, double period) {
  if (quota > 0 && period > 0) take_least(limits.cpus, static_cast<unsigned>(std::ceil(quota / period)));
}

// No limit is "max" in version 2, which does not parse, and -1 or more than any machine has in version 1.
void take_memory(CgroupLimits& limits, const std::string& file) {
  uint64_t bytes = 0;
  if (std::ifstream(file) >> bytes && bytes > 0) take_least(limits.memory_bytes, bytes);
}

}  // namespace

CgroupLimits read_cgroup_limits(const std::string& root) {
  CgroupLimits limits;
  visit_groups(root, kVersion2, [&](const std::string& group) {
    double quota = 0, period = 0;
    if (std::ifstream(group + "/cpu.max") >> quota >> period) take_quota(limits, quota, period);
    take_memory(limits, group + "/memory.max");
  });
  visit_groups(root, "cpu", [&](const std::string& group) {
    double quota = 0, period = 0;
    if (std::ifstream(group + "/cpu.cfs_quota_us") >> quota && std::ifstream(group + "/cpu.cfs_period_us") >> period)
      take_quota(limits, quota, period);
  });
  visit_groups(root, "memory", [&](const std::string& group) { take_memory(limits, group + "/memory.limit_in_bytes"); });
  return limits;
}

}  // namespace fiso

// What the control groups of this process leave it: systemd's CPUQuota= and MemoryMax=, a container's limits.
//
// A limit may stand at any group between the process's own and the root of the mount, and the least one counts. Both versions
// are read (cgroups(7)): the group from /proc/self/cgroup, where it is mounted from /proc/self/mountinfo, or the usual places.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fiso {

struct CgroupLimits {
  std::optional<unsigned> cpus;  // what the quota amounts to, rounded up
  std::optional<uint64_t> memory_bytes;
};

// `root` is put before every path; tests have trees of their own.
CgroupLimits read_cgroup_limits(const std::string& root = "");

}  // namespace fiso

#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "base/cgroup.h"
#include "base/file_handle.h"
#include "base/units.h"
#include "program/doctor.h"
#include "wasm/light/engine_config.h"

namespace fiso::program {
namespace {

constexpr long kWholeLandlock = 6;       // what fiso-wasmer-host asks for
constexpr Bytes kLeastMemory = 512_MiB;  // compiling CPython takes 300 MB
constexpr rlim_t kFewDescriptors = 4096;

void examine_kernel(Findings& findings) {
  utsname name{};
  uname(&name);
  std::string found = std::string(name.sysname) + " " + name.release;
  // A call that can only be wrong: with a size of 0 it is EINVAL where there is such a call.
  if (syscall(SYS_openat2, -1, nullptr, nullptr, 0) != 0 && errno != EINVAL)
    return findings.add(Verdict::kFail, "kernel", found + " has no openat2(2), or a filter forbids it",
                        "guests with directories need it: Linux 5.6 or newer, and a container runtime that knows it");
  if (wasm::light::has_pagemap_scan()) return findings.add(Verdict::kOk, "kernel", found + ", with pagemap_scan");
  findings.add(Verdict::kWarn, "kernel", found + " has no pagemap_scan",
               "all works, and guests with much memory are cleaned up more slowly: Linux 6.7 or newer is better");
}

void examine_landlock(Findings& findings) {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  int error = errno;
  if (abi >= kWholeLandlock) return findings.add(Verdict::kOk, "Landlock", "version " + std::to_string(abi));
  constexpr char kWithout[] = "guests with `runtime: wasmer` are kept in by the engine and seccomp alone: ";
  if (abi >= 1)
    return findings.add(Verdict::kWarn, "Landlock",
                        "version " + std::to_string(abi) + ", " +
                            (abi < 4 ? "without rules for ports and signals" : "without all rules for signals"),
                        "workers use what there is; Linux 6.12 or newer has all of it");
  if (error == ENOSYS)
    return findings.add(Verdict::kWarn, "Landlock", "not in this kernel", std::string(kWithout) + "use Linux 6.12 or newer");
  if (error == EOPNOTSUPP)
    return findings.add(Verdict::kWarn, "Landlock", "turned off",
                        std::string(kWithout) + "add landlock to lsm= on the kernel's command line");
  findings.add(Verdict::kWarn, "Landlock", errno_text(error),
               std::string(kWithout) + "let the container's seccomp profile allow it");
}

void examine_seccomp(Findings& findings) {
  uint32_t action = SECCOMP_RET_ERRNO;
  if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
    return findings.add(Verdict::kOk, "seccomp", "filters are taken");
  findings.add(Verdict::kWarn, "seccomp", errno_text(errno),
               "workers of `runtime: wasmer` go without its filter: a kernel with CONFIG_SECCOMP_FILTER has it");
}

std::string in_mebibytes(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void examine_memory(Findings& findings) {
  CgroupLimits limits = read_cgroup_limits();
  uint64_t all = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  bool limited = limits.memory_bytes.has_value() && *limits.memory_bytes < all;
  uint64_t usable = limited ? *limits.memory_bytes : all;
  unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  if (limits.cpus.has_value()) cpus = std::min(cpus, *limits.cpus);
  std::string found =
      in_mebibytes(usable) + (limited ? " (limit of the control group), " : ", ") + std::to_string(cpus) + " CPUs";
  if (usable >= kLeastMemory.count) return findings.add(Verdict::kOk, "memory", found);
  findings.add(Verdict::kWarn, "memory", found,
               "guests have half of it (wasm.totalMemory), and large modules cannot be compiled here: give it 512 MiB or more");
}

void examine_descriptors(Findings& findings) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  std::string found = limit.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_max);
  if (limit.rlim_max >= kFewDescriptors) return findings.add(Verdict::kOk, "descriptors", found);
  findings.add(
      Verdict::kWarn, "descriptors", found + " at most",
      "each connection is one: raise the hard limit (ulimit -Hn, LimitNOFILE= of the unit, --ulimit nofile= of the container)");
}

}  // namespace

void examine_machine(Findings& findings) {
  examine_kernel(findings);
  examine_landlock(findings);
  examine_seccomp(findings);
  examine_memory(findings);
  examine_descriptors(findings);
}

}  // namespace fiso::program

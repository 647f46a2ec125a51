#include "base/cgroup.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/check.h"

namespace fiso {
namespace {

constexpr char kVersion2Mount[] = "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr char kVersion1Mounts[] =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-cgroup-XXXXXX").string();
    FISO_CHECK(mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
  }
  ~CgroupTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  void write(const std::string& path, const std::string& text) {
    std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string limits() {
    CgroupLimits limits = read_cgroup_limits(root_);
    return (limits.cpus ? std::to_string(*limits.cpus) : "any") + " CPUs, " +
           (limits.memory_bytes ? std::to_string(*limits.memory_bytes) : "any") + " bytes";
  }

  std::string root_;
};

TEST_F(CgroupTest, WithoutGroupsThereAreNoLimits) { EXPECT_EQ(limits(), "any CPUs, any bytes"); }

TEST_F(CgroupTest, TheProcesssOwnGroupCounts) {
  write("/proc/self/cgroup", "0::/system.slice/fiso.service\n");
  write("/proc/self/mountinfo", kVersion2Mount);
  write("/sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  write("/sys/fs/cgroup/system.slice/fiso.service/cpu.max", "150000 100000\n");
  write("/sys/fs/cgroup/system.slice/fiso.service/memory.max", "104857600\n");
  EXPECT_EQ(limits(), "2 CPUs, 104857600 bytes");
}

TEST_F(CgroupTest, TheLeastOfAllGroupsAroundItCounts) {
  write("/proc/self/cgroup", "0::/a/b/c\n");
  write("/proc/self/mountinfo", kVersion2Mount);
  write("/sys/fs/cgroup/cpu.max", "100000 100000\n");
  write("/sys/fs/cgroup/a/memory.max", "1000\n");
  write("/sys/fs/cgroup/a/b/c/cpu.max", "300000 100000\n");
  write("/sys/fs/cgroup/a/b/c/memory.max", "2000\n");
  EXPECT_EQ(limits(), "1 CPUs, 1000 bytes");
}

TEST_F(CgroupTest, WithoutProcTheUsualMountsAreRead) {
  write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
  write("/sys/fs/cgroup/memory.max", "4096\n");
  EXPECT_EQ(limits(), "2 CPUs, 4096 bytes");
}

TEST_F(CgroupTest, WithoutProcTheUsualMountsOfVersion1AreRead) {
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
  EXPECT_EQ(limits(), "2 CPUs, 4096 bytes");
}

TEST_F(CgroupTest, EachControllerOfVersion1HasItsGroup) {
  write("/proc/self/cgroup", "5:memory:/m/x\n4:cpuacct,cpu:/c\n0::/\n");
  write("/proc/self/mountinfo", kVersion1Mounts);
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "50000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "5000\n");
  write("/sys/fs/cgroup/memory/m/x/memory.limit_in_bytes", "6000\n");
  EXPECT_EQ(limits(), "1 CPUs, 5000 bytes");
}

TEST_F(CgroupTest, AMountThatShowsOneGroupOnlyIsReadBelowThat) {
  write("/proc/self/cgroup", "0::/docker/abc/worker\n");
  write("/proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/sys/fs/cgroup/memory.max", "3000\n");
  write("/sys/fs/cgroup/worker/memory.max", "2000\n");
  EXPECT_EQ(limits(), "any CPUs, 2000 bytes");
}

TEST_F(CgroupTest, AMountThatShowsAnotherGroupIsReadItself) {
  write("/proc/self/cgroup", "0::/kubepods/abc\n");
  write("/proc/self/mountinfo", "31 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n");
  write("/sys/fs/cgroup/memory.max", "3000\n");
  EXPECT_EQ(limits(), "any CPUs, 3000 bytes");
}

TEST_F(CgroupTest, AGroupAboveWhatIsSeenIsTheRoot) {
  write("/proc/self/cgroup", "0::/../other\n");
  write("/proc/self/mountinfo", kVersion2Mount);
  write("/sys/fs/cgroup/memory.max", "3000\n");
  write("/sys/fs/other/memory.max", "1000\n");
  EXPECT_EQ(limits(), "any CPUs, 3000 bytes");
}

TEST_F(CgroupTest, AGroupThatIsNotThereLeavesThoseAroundIt) {
  write("/proc/self/cgroup", "4:memory:/gone/too\n");
  write("/proc/self/mountinfo", kVersion1Mounts);
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "7000\n");
  EXPECT_EQ(limits(), "any CPUs, 7000 bytes");
}

}  // namespace
}  // namespace fiso

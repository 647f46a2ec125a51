#include "observe/proc_stat.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace fiso::observe {
namespace {

TEST(ProcStat, TellsOfAProcess) {
  auto stat = read_proc_stat(std::to_string(getpid()));
  ASSERT_TRUE(stat.has_value());
  EXPECT_GT(stat->start_ticks, 0);
  EXPECT_GT(stat->resident_bytes, 0u);
  EXPECT_GT(stat->virtual_bytes, stat->resident_bytes);
}

TEST(ProcStat, OfAProcessThatIsNotThereThereIsNothing) { EXPECT_FALSE(read_proc_stat("0").has_value()); }

// As is the file of a process that ends after it has been opened; a directory is one that can be opened and not be read whenever
// that is asked for.
TEST(ProcStat, WhatCanBeOpenedAndNotReadIsNothing) {
  std::filesystem::path process = std::filesystem::temp_directory_path() / ("fiso-proc-stat-" + std::to_string(getpid()));
  std::filesystem::create_directories(process / "stat");
  EXPECT_FALSE(read_proc_stat(".." + process.string()).has_value());
  std::filesystem::remove_all(process);
}

}  // namespace
}  // namespace fiso::observe

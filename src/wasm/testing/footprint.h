// What the process holds of the machine: resident memory, open descriptors, mappings. For "nothing was left behind".
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/testing/sanitizer.h"
#include "base/units.h"

namespace fiso::wasm::testing {

struct Footprint {
  Bytes resident;
  int64_t descriptors = 0;
  int64_t mappings = 0;

  static Footprint now() {
    Footprint footprint;
    uint64_t total = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    footprint.resident = Bytes{resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))};
    footprint.descriptors =
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) ++footprint.mappings;
    return footprint;
  }
};

// How much may come on top after warming up: allocators and slot caches breathe. A leak per run is far more after the
// repeats that the tests make of it.
inline constexpr Bytes kBreath = fiso::testing::kSanitized ? 512_MiB : 96_MiB;
inline constexpr int64_t kMoreMappings = 200;

inline void expect_no_more_than(const Footprint& before) {
  Footprint after = Footprint::now();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_LE(after.mappings, before.mappings + kMoreMappings);
  EXPECT_LE(after.resident.count, before.resident.count + kBreath.count);
}

}  // namespace fiso::wasm::testing

#include "wasm/capacity.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace fiso::wasm {
namespace {

TEST(Capacity, IsWhatWasConfigured) {
  async::ShardSet shards(1);
  Capacity capacity(shards, {.instances = 7, .queue = 1, .memory = 3_MiB});
  EXPECT_EQ(capacity.instances.capacity(), 7u);
  EXPECT_EQ(capacity.memory.capacity(), (3_MiB).count);
}

TEST(Capacity, WithoutASizeMemoryIsHalfOfWhatThereIs) {
  async::ShardSet shards(1);
  Capacity capacity(shards, {});
  auto machine = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(capacity.memory.capacity(), default_total_memory().count);
  EXPECT_GT(capacity.memory.capacity(), 0u);
  EXPECT_LE(capacity.memory.capacity(), machine / 2);
}

}  // namespace
}  // namespace fiso::wasm

#include "wasm/module_header.h"

#include <gtest/gtest.h>

#include <vector>

namespace fiso::wasm {
namespace {

std::vector<uint8_t> module_with(std::vector<uint8_t> sections) {
  std::vector<uint8_t> bytes{0, 'a', 's', 'm', 1, 0, 0, 0};
  bytes.insert(bytes.end(), sections.begin(), sections.end());
  return bytes;
}

TEST(ModuleHeader, TheMemorySectionIsFoundBehindOthers) {
  // A custom section of two bytes, then one memory of 300 pages (two bytes of LEB128) with a maximum.
  auto module = module_with({0, 2, 1, 'x', 5, 6, 1, 1, 0xac, 0x02, 0x80, 0x08});
  EXPECT_EQ(initial_memory_of(module), Bytes{300 * 65536});
}

TEST(ModuleHeader, AMemoryThatIsImportedIsFoundBehindOtherImports) {
  // "m"."f" is a function, "m"."t" a table with a maximum, "m"."g" a global, "e"."" a shared memory of 17 pages.
  auto module = module_with({2, 31,  4,                              //
                             1, 'm', 1, 'f', 0, 0x80, 0x01,          //
                             1, 'm', 1, 't', 1, 0x70, 1,    1,   2,  //
                             1, 'm', 1, 'g', 3, 0x7f, 0,             //
                             1, 'e', 0, 2,   3, 17,   0x80, 0x01});
  module[9] = static_cast<uint8_t>(module.size() - 10);
  EXPECT_EQ(initial_memory_of(module), Bytes{17 * 65536});
  for (size_t size = module.size() - 1; size > 8; --size) {
    module.resize(size);
    EXPECT_EQ(initial_memory_of(module), 0_B) << "cut off";
  }
}

TEST(ModuleHeader, WithoutAMemoryItIsZero) {
  EXPECT_EQ(initial_memory_of(module_with({})), 0_B);
  EXPECT_EQ(initial_memory_of(module_with({5, 1, 0})), 0_B);
}

TEST(ModuleHeader, NonsenseIsZero) {
  EXPECT_EQ(initial_memory_of({}), 0_B);
  EXPECT_EQ(initial_memory_of(module_with({5, 200})), 0_B);
  EXPECT_EQ(initial_memory_of(module_with({5, 3, 1, 0, 0xff})), 0_B);
  EXPECT_EQ(initial_memory_of(module_with({5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})), 0_B);
  EXPECT_EQ(initial_memory_of(module_with({5, 7, 1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})), 0_B);
}

}  // namespace
}  // namespace fiso::wasm

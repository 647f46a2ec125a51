#include "wasm/module_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fiso::wasm {
namespace {

using ::testing::HasSubstr;

class ModuleFileTest : public ::testing::Test {
 protected:
  ModuleFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fiso-module-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  ~ModuleFileTest() override { std::filesystem::remove_all(directory_); }

  std::string verdict(const std::string& path) {
    auto checked = check_module_file(path);
    return checked.has_value() ? "ok" : checked.error().describe();
  }
  std::string verdict_on(const std::string& bytes) {
    std::ofstream(directory_ + "/m.wasm", std::ios::binary) << bytes;
    return verdict(directory_ + "/m.wasm");
  }

  std::string directory_;
};

TEST_F(ModuleFileTest, AHeaderIsAllThatIsLookedAt) {
  EXPECT_EQ(verdict_on(std::string("\0asm\1\0\0\0 and no module", 22)), "ok");
  EXPECT_EQ(verdict_on(std::string("\0asm\1\0\0\0", 8)), "ok");
}

TEST_F(ModuleFileTest, WhatIsNoCoreModuleIsNamed) {
  for (const std::string& bytes : {std::string(), std::string("\0asm\1\0\0", 7), std::string("#!/bin/sh\n")})
    EXPECT_THAT(verdict_on(bytes), HasSubstr("m.wasm cannot be used: it is not a WebAssembly binary"));
  EXPECT_THAT(verdict_on(std::string("\0asm\x0d\0\1\0", 8)), HasSubstr("it is a WebAssembly component"));
  EXPECT_THAT(verdict_on(std::string("\0asm\2\0\0\0", 8)), HasSubstr("its WebAssembly version is not 1"));
}

TEST_F(ModuleFileTest, WhatCannotBeReadIsNamedAndNothingIsWaitedFor) {
  EXPECT_EQ(verdict("/no/such.wasm"), "module path not accessible: /no/such.wasm (No such file or directory)");
  EXPECT_EQ(verdict(directory_), "module path not accessible: " + directory_ + " (it is a directory)");
  std::string fifo = directory_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(verdict(fifo), "module path not accessible: " + fifo + " (it is not a regular file)");
}

}  // namespace
}  // namespace fiso::wasm

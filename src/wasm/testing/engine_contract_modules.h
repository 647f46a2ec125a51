// The contract of an engine that runs WebAssembly: what is not a module it can run is refused, with a reason.
#pragma once

#include <unistd.h>

#include <filesystem>

#include "wasm/testing/engine_under_test.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::testing {

class EngineModules : public EngineSuite {
 protected:
  void SetUp() override { FISO_NEEDS(kGuestCode); }

  std::string refusal_of_guest(const std::string& name) { return refusal(guest_path(name)); }
  static std::string cannot_be_used(const std::string& name) { return "module " + guest_path(name) + " cannot be used: "; }

  wasi::testing::ScratchDirectory scratch_;
};

TEST_P(EngineModules, WhatIsNotWebAssemblyIsRefused) {
  EXPECT_EQ(refusal_of_guest("empty"), cannot_be_used("empty") + "it is not a WebAssembly binary");
  EXPECT_EQ(refusal_of_guest("text"), cannot_be_used("text") + "it is not a WebAssembly binary");
}

TEST_P(EngineModules, AComponentIsRefused) {
  EXPECT_EQ(refusal_of_guest("component"),
            cannot_be_used("component") + "it is a WebAssembly component; build a core module (target wasm32-wasip1)");
}

TEST_P(EngineModules, WhatDoesNotCompileIsRefused) {
  EXPECT_THAT(refusal_of_guest("garbage"), ::testing::StartsWith(cannot_be_used("garbage")));
  EXPECT_THAT(refusal_of_guest("truncated"), ::testing::StartsWith(cannot_be_used("truncated")));
}

TEST_P(EngineModules, AnotherVersionIsRefused) {
  scratch_.write("module.wasm", std::string("\0asm\2\0\0\0", 8));
  EXPECT_THAT(refusal(scratch_.path("module.wasm")), ::testing::EndsWith("its WebAssembly version is not 1"));
}

TEST_P(EngineModules, AnImportThatNobodyHasIsNamed) {
  EXPECT_THAT(refusal_of_guest("imports_unknown"), ::testing::AllOf(::testing::StartsWith(cannot_be_used("imports_unknown")),
                                                                    ::testing::HasSubstr("no_such_function")));
}

TEST_P(EngineModules, AModuleWithoutStartIsRefused) {
  EXPECT_EQ(refusal_of_guest("no_start"),
            cannot_be_used("no_start") + "it exports no function _start: build it as a WASI command, not as a library");
}

TEST_P(EngineModules, AStartThatTakesArgumentsIsRefused) {
  EXPECT_EQ(refusal_of_guest("start_takes_argument"),
            cannot_be_used("start_takes_argument") + "its function _start takes arguments or returns something");
}

TEST_P(EngineModules, AModuleWithoutMemoryIsRefused) {
  EXPECT_EQ(refusal_of_guest("no_memory"), cannot_be_used("no_memory") + "it exports no memory: build it for wasm32-wasip1");
}

TEST_P(EngineModules, ADirectoryIsRefused) {
  EXPECT_EQ(refusal(scratch_.root()), "module path not accessible: " + scratch_.root().string() + " (it is a directory)");
}

TEST_P(EngineModules, WhatIsNotAFileIsNotWaitedFor) {
  scratch_.make_fifo("fifo");
  EXPECT_EQ(refusal(scratch_.path("fifo")),
            "module path not accessible: " + scratch_.path("fifo") + " (it is not a regular file)");
  EXPECT_EQ(refusal("/dev/zero"), "module path not accessible: /dev/zero (it is not a regular file)");
}

TEST_P(EngineModules, AFileThatMayNotBeReadIsRefused) {
  std::filesystem::copy_file(guest_path("passthrough"), scratch_.path("module.wasm"));
  std::filesystem::permissions(scratch_.path("module.wasm"), std::filesystem::perms::none);
  rig();
  uid_t self = geteuid();
  constexpr uid_t kNobody = 65534;
  if (self == 0) ASSERT_EQ(seteuid(kNobody), 0);  // root may read everything
  std::string text = refusal(scratch_.path("module.wasm"));
  ASSERT_EQ(seteuid(self), 0);
  EXPECT_EQ(text, "module path not accessible: " + scratch_.path("module.wasm") + " (Permission denied)");
}

TEST_P(EngineModules, AFileThatIsMissingIsRefused) {
  EXPECT_EQ(refusal(scratch_.path("missing")),
            "module path not accessible: " + scratch_.path("missing") + " (No such file or directory)");
  EXPECT_EQ(refusal(""), "module path not accessible:  (No such file or directory)");
}

TEST_P(EngineModules, TheSameContentIsOneModule) {
  std::filesystem::copy_file(guest_path("passthrough"), scratch_.path("copy.wasm"));
  EXPECT_EQ(rig().load("passthrough"), *rig().engine->load(scratch_.path("copy.wasm")));
}

TEST_P(EngineModules, AModuleMayBeReplacedOnDisk) {
  std::filesystem::copy_file(guest_path("passthrough"), scratch_.path("module.wasm"));
  auto first = *rig().engine->load(scratch_.path("module.wasm"));
  std::filesystem::remove(scratch_.path("module.wasm"));
  std::filesystem::copy_file(guest_path("exit_1"), scratch_.path("module.wasm"));
  EXPECT_NE(first, *rig().engine->load(scratch_.path("module.wasm")));
  expect_a_good_guest_works();
}

TEST_P(EngineModules, GuestsThatKnowTheirInputAsAFileAreFound) {
  EXPECT_TRUE(rig().load("enrich_stdin_file")->knows_stdin_file());
  EXPECT_FALSE(rig().load("enrich")->knows_stdin_file());
}

TEST_P(EngineModules, TheInitialMemoryIsTold) {
  EXPECT_GE(rig().load("passthrough")->initial_memory(), 64_KiB);
  EXPECT_EQ(rig().load("memory_declares_4gib")->initial_memory(), 4_GiB);
}

TEST_P(EngineModules, ARefusedModuleLeavesNothingBehind_Long) {
  expect_a_good_guest_works();
  for (const char* name : {"garbage", "truncated", "imports_unknown", "no_start", "component"}) (void)refusal_of_guest(name);
  Footprint before = Footprint::now();
  for (int i = 0; i < (is_long_run() ? 200 : 4); ++i)
    for (const char* name : {"garbage", "truncated", "imports_unknown", "no_start", "component"})
      EXPECT_NE(refusal_of_guest(name), "loaded");
  expect_no_more_than(before);
  expect_a_good_guest_works();
}

}  // namespace fiso::wasm::testing

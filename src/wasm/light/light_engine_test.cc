// How the light engine gets its modules: compiled in a child under limits, kept in the cache, never trusted blindly.
#include "wasm/light/light_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/testing/sanitizer.h"
#include "wasm/light/testing/light_under_test.h"
#include "wasm/testing/module_bytes.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace fiso::wasm::light {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::make_light;
using testing::small_options;
using wasm::testing::command_module;
using wasm::testing::EngineHost;
using wasm::testing::envelope;
using wasm::testing::guest_path;
using wasm::testing::Rig;
using wasm::testing::RunningGuest;

class LightEngineTest : public ::testing::Test {
 protected:
  LightEngineOptions options() const {
    LightEngineOptions options = small_options();
    options.cache_directory = scratch_.path("cache");
    return options;
  }
  static Rig rig_with(const LightEngineOptions& options) {
    return Rig([&](const EngineHost& host) { return make_light(host, options); });
  }
  static std::string answer(Rig& rig) { return RunningGuest(rig, {.module = "passthrough"}).run(envelope("42")).output; }
  static std::string refusal(Rig& rig, const std::string& path) {
    auto loaded = rig.engine->load(path);
    return loaded.has_value() ? "loaded" : loaded.error().message();
  }
  std::vector<std::filesystem::path> artifacts() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(scratch_.path("cache")))
      if (entry.path().extension() == ".artifact") found.push_back(entry.path());
    return found;
  }

  wasi::testing::ScratchDirectory scratch_;
};

constexpr std::string_view kCompiling = "\"msg\":\"compiling wasm module\"";
constexpr std::string_view kCompiled = "\"msg\":\"compiled wasm module\"";

TEST_F(LightEngineTest, AModuleIsCompiledOnceAndThenCached) {
  {
    Rig first = rig_with(options());
    EXPECT_THAT(answer(first), HasSubstr("\"payload\":42"));
    EXPECT_EQ(first.log_lines.count(kCompiling), 1u);
    EXPECT_EQ(first.log_lines.count(kCompiled), 1u);
    EXPECT_TRUE(first.log_lines.contains("\"duration_ms\":"));
  }
  Rig second = rig_with(options());
  EXPECT_THAT(answer(second), HasSubstr("\"payload\":42"));
  EXPECT_EQ(second.log_lines.count(kCompiling), 0u);
}

TEST_F(LightEngineTest, ADamagedArtifactIsCompiledAgain) {
  {
    Rig first = rig_with(options());
    first.load("passthrough");
  }
  ASSERT_EQ(artifacts().size(), 1u);
  std::fstream(artifacts().front(), std::ios::in | std::ios::out | std::ios::binary).seekp(4096).write("damage", 6);
  Rig second = rig_with(options());
  EXPECT_THAT(answer(second), HasSubstr("\"payload\":42"));
  EXPECT_EQ(second.log_lines.count(kCompiling), 1u);
}

TEST_F(LightEngineTest, AnotherSettingIsAnotherArtifact) {
  LightEngineOptions larger = options();
  larger.config.stack = 1_MiB;
  {
    Rig first = rig_with(options());
    first.load("passthrough");
  }
  Rig second = rig_with(larger);
  EXPECT_THAT(answer(second), HasSubstr("\"payload\":42"));
  EXPECT_EQ(artifacts().size(), 2u);
}

TEST_F(LightEngineTest, AnUnusableCacheIsAWarning) {
  LightEngineOptions unusable = options();
  scratch_.write("file", "");
  for (const std::string& directory : {scratch_.path("file"), std::string()}) {
    unusable.cache_directory = directory;
    Rig rig = rig_with(unusable);
    EXPECT_THAT(answer(rig), HasSubstr("\"payload\":42"));
    EXPECT_TRUE(rig.log_lines.contains("module cache is not used, modules are compiled at every start"));
  }
}

TEST_F(LightEngineTest, ACacheThatCannotBeWrittenIsAWarning) {
  Rig rig = rig_with(options());
  std::filesystem::remove_all(scratch_.path("cache"));
  EXPECT_THAT(answer(rig), HasSubstr("\"payload\":42"));
  EXPECT_TRUE(rig.log_lines.contains("module cache cannot be written"));
}

TEST_F(LightEngineTest, EnginesMayFillOneCacheAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      Rig rig = rig_with(options());
      if (answer(rig).find("\"payload\":42") != std::string::npos) ++good;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 3);
  EXPECT_EQ(artifacts().size(), 1u);
}

TEST_F(LightEngineTest, AModuleThatTakesTooLongToCompileIsRefused) {
  using namespace wasm::testing::code;
  LightEngineOptions hasty = options();
  hasty.compile.cpu = std::chrono::seconds(1);
  std::string work;
  for (int i = 0; i < 200; ++i) work += number(i) + kGrow + number(-1) + kEqual + when(kUnreachable);
  scratch_.write("huge.wasm", command_module(1, work, 20'000));
  Rig rig = rig_with(hasty);
  EXPECT_THAT(refusal(rig, scratch_.path("huge.wasm")), EndsWith("cannot be used: compiling it takes more than 1 s of CPU time"));
  EXPECT_THAT(answer(rig), HasSubstr("\"payload\":42"));
}

TEST_F(LightEngineTest, AModuleThatTakesTooMuchMemoryToCompileIsRefused) {
  if (fiso::testing::kSanitized) GTEST_SKIP() << "the sanitizer needs the memory itself";
  using namespace wasm::testing::code;
  LightEngineOptions tight = options();
  tight.compile.memory = 64_MiB;
  std::string work;
  for (int i = 0; i < 50'000; ++i) work += number(i) + kGrow + kDrop;
  scratch_.write("deep.wasm", command_module(1, work));
  Rig rig = rig_with(tight);
  EXPECT_THAT(refusal(rig, scratch_.path("deep.wasm")), EndsWith("cannot be used: compiling it takes more than 64MiB of memory"));
  EXPECT_THAT(answer(rig), HasSubstr("\"payload\":42"));
}

TEST_F(LightEngineTest, AModuleOfManyFunctionsIsFine) {
  scratch_.write("many.wasm", command_module(1, "", 20'000));
  Rig rig = rig_with(options());
  EXPECT_EQ(refusal(rig, scratch_.path("many.wasm")), "loaded");
}

TEST_F(LightEngineTest, AFileThatIsTooLargeIsRefusedUnread) {
  scratch_.write("large.wasm", "");
  std::filesystem::resize_file(scratch_.path("large.wasm"), (1_GiB).count);
  Rig rig = rig_with(options());
  EXPECT_THAT(refusal(rig, scratch_.path("large.wasm")), EndsWith("cannot be used: it is larger than 256MiB"));
}

TEST_F(LightEngineTest, AModuleThatNobodyUsesGoesAndComesBack) {
  Rig rig = rig_with(options());
  std::weak_ptr<const Module> first = rig.load("passthrough");
  EXPECT_TRUE(first.expired());
  EXPECT_THAT(answer(rig), HasSubstr("\"payload\":42"));
  EXPECT_EQ(rig.log_lines.count(kCompiling), 1u);
}

TEST_F(LightEngineTest, AnOldKernelIsSaidToBeOne) {
  LightEngineOptions old = options();
  old.use_pagemap_scan = false;
  Rig rig = rig_with(old);
  EXPECT_TRUE(rig.log_lines.contains("kernel has no pagemap_scan (Linux 6.7)"));
  EXPECT_TRUE(rig.log_lines.contains("\"keep_resident_total\":"));
}

// Guests from less than a page to several MiB of initial memory, each in the class of its size.
TEST_F(LightEngineTest, OnAnOldKernelMemoriesOfAllSizesComeBackClean) {
  using namespace wasm::testing::code;
  LightEngineOptions old = options();
  old.use_pagemap_scan = false;
  Rig rig = rig_with(old);
  for (uint32_t pages : {1u, 4u, 5u, 16u, 17u, 64u, 128u, 256u}) {
    // Traps if the last word of its memory is not zero, and leaves something there.
    int32_t last = static_cast<int32_t>(pages * 65536 - 4);
    std::string load = number(last) + std::string("\x28\x02\0", 3);
    std::string path = scratch_.path("pages" + std::to_string(pages) + ".wasm");
    scratch_.write("pages" + std::to_string(pages) + ".wasm",
                   command_module(pages, load + when(kUnreachable) + number(last) + number(1) + kStore));
    RunningGuest guest(rig, {.module = path});
    for (int i = 0; i < 20; ++i) EXPECT_EQ(guest.run("").outcome, Outcome::kOk) << pages;
  }
}

}  // namespace
}  // namespace fiso::wasm::light

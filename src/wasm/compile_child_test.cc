// The compiler that these tests start is in main_test.cc.
#include "wasm/compile_child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <future>

#include "base/file_handle.h"
#include "base/testing/sanitizer.h"

namespace fiso::wasm {
namespace {

using ::testing::HasSubstr;

// AddressSanitizer needs more than any limit that could be tested.
constexpr Bytes kEnough = fiso::testing::kSanitized ? Bytes{RLIM_INFINITY} : 1_GiB;

std::string outcome_of(std::string_view module, CompileLimits limits = {.memory = kEnough}) {
  auto artifact = compile_in_child({reinterpret_cast<const uint8_t*>(module.data()), module.size()}, "settings", limits);
  if (!artifact.has_value()) return "error: " + artifact.error().message();
  return {artifact->begin(), artifact->end()};
}

size_t open_descriptors() {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

TEST(CompileChild, HandsBackWhatTheCompilerMade) { EXPECT_EQ(outcome_of("echo hello"), "settings:hello"); }

TEST(CompileChild, HandsBackNothingToo) { EXPECT_EQ(outcome_of("nothing"), ""); }

TEST(CompileChild, HandsBackManyBytes) {
  std::string large(20 << 20, 'x');
  EXPECT_EQ(outcome_of("echo " + large), "settings:" + large);
}

TEST(CompileChild, SaysWhatIsWrongWithTheModule) { EXPECT_EQ(outcome_of("refuse it is too round"), "error: it is too round"); }

TEST(CompileChild, KnowsOnlyItsOwnDescriptors) {
  FileHandle inherited(dup(0));  // not close-on-exec
  // 3 was the module and is the listing now, 4 is for the reply.
  EXPECT_EQ(outcome_of("descriptors"), "0 1 2 3 4 ");
}

TEST(CompileChild, LivesUnderItsLimits) {
  EXPECT_EQ(outcome_of("limits", {.cpu = std::chrono::milliseconds(6500), .memory = kEnough}),
            "7 " + std::to_string(kEnough.count) + " 0");
}

TEST(CompileChild, IsStoppedWhenItComputesTooLong) {
  EXPECT_EQ(outcome_of("spin", {.cpu = std::chrono::seconds(1), .memory = kEnough}),
            "error: compiling it takes more than 1 s of CPU time");
}

TEST(CompileChild, IsStoppedWhenItWaitsTooLong) {
  EXPECT_EQ(outcome_of("sleep", {.cpu = std::chrono::milliseconds(50), .memory = kEnough}),
            "error: compiling it takes more than 1 s of CPU time");
}

// The limits are far longer than any test may take.
TEST(CompileChild, IsStoppedWithTheProcess) {
  FileHandle asked(eventfd(0, EFD_CLOEXEC));
  auto code_of = [&](std::string_view module) {
    auto artifact = compile_in_child({reinterpret_cast<const uint8_t*>(module.data()), module.size()}, "settings",
                                     {.cpu = std::chrono::hours(1), .memory = kEnough}, StopRequest(asked.get()));
    return artifact.has_value() ? std::string(artifact->begin(), artifact->end())
                                : std::string(to_string(artifact.error().code()));
  };
  EXPECT_EQ(code_of("echo before"), "settings:before");
  auto spinning = std::async(std::launch::async, [&] { return code_of("spin"); });
  uint64_t one = 1;
  ASSERT_EQ(write(asked.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  EXPECT_EQ(spinning.get(), "cancelled");
  EXPECT_EQ(code_of("echo after"), "cancelled");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

TEST(CompileChild, IsStoppedWhenItTakesTooMuchMemory) {
  if (fiso::testing::kSanitized) GTEST_SKIP() << "the sanitizer needs the memory itself";
  EXPECT_EQ(outcome_of("memory", {.memory = 128_MiB}), "error: compiling it takes more than 128MiB of memory");
}

TEST(CompileChild, MayCrashOrBeKilledOrSayNothing) {
  EXPECT_THAT(outcome_of("abort"), HasSubstr("crashes the compiler"));
  EXPECT_THAT(outcome_of("die"), HasSubstr("error: compiling it takes more than"));
  EXPECT_THAT(outcome_of("exit"), HasSubstr("error: compiling it takes more than"));
}

TEST(CompileChild, SaysThatALimitOnFilesIsInItsWay) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = {.rlim_cur = 64 << 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  std::string outcome = outcome_of("large");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(outcome,
            "error: compiling it writes more than files may hold here: raise the limit on the size of files (ulimit -f)");
}

TEST(CompileChild, SaysWhyItDiedInOneLineAndNothingElsewhere) {
  std::string_view words =
      "panic \nthread '<unnamed>' panicked at lib.rs:1:2:\nno \x1b[31mfit\nstack backtrace:\n   0: rust_begin_unwind\nnote: run "
      "with";
  ::testing::internal::CaptureStderr();
  std::string outcome = outcome_of(words), allocation = outcome_of("panic memory allocation of 8 bytes failed\n");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(outcome, ::testing::StartsWith("error: it crashes the compiler: thread '<unnamed>' panicked at lib.rs:1:2: no "));
  EXPECT_THAT(outcome, ::testing::EndsWith("[31mfit"));
  EXPECT_EQ(outcome.find_first_of("\n\x1b"), std::string::npos);
  EXPECT_EQ(allocation, "error: compiling it takes more than " + format_bytes(kEnough) + " of memory");
  EXPECT_LT(outcome_of("panic " + std::string(100'000, 'x')).size(), 1000u);
}

TEST(CompileChild, LeavesNeitherDescriptorsNorProcessesBehind) {
  outcome_of("echo once");
  size_t before = open_descriptors();
  for (const char* module : {"echo x", "abort", "refuse x", "exit", "die"}) outcome_of(module);
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

// The files handed over may get any number, those that the child's own are moved through included.
TEST(CompileChild, WorksWhateverNumbersAreFree) {
  std::vector<FileHandle> taken;
  for (int i = 0; i < 130; ++i) {
    EXPECT_EQ(outcome_of("echo x"), "settings:x") << i << " descriptors are open";
    taken.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
}

TEST(CompileChild, IsRecognisedByItsName) {
  char name[] = "fiso-module-compiler", other[] = "fiso-flow", argument[] = "1";
  char* as_compiler[] = {name, argument, argument, argument, argument, nullptr};
  char* as_program[] = {other, argument, argument, argument, argument, nullptr};
  EXPECT_TRUE(started_to_compile(5, as_compiler));
  EXPECT_FALSE(started_to_compile(4, as_compiler));
  EXPECT_FALSE(started_to_compile(5, as_program));
}

}  // namespace
}  // namespace fiso::wasm

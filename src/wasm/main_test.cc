// The main of these tests: they start themselves again as the module compiler. What that compiler does is written in the
// module: a word, and what follows it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "wasm/compile_child.h"

namespace {

using fiso::Error;
using fiso::ErrorCode;
using fiso::Result;

std::string open_descriptors() {
  std::set<int> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) open.insert(std::stoi(entry.path().filename()));
  std::string text;
  for (int fd : open) text += std::to_string(fd) + " ";
  return text;
}

std::string limits() {
  rlimit cpu, data, core;
  getrlimit(RLIMIT_CPU, &cpu);
  getrlimit(RLIMIT_DATA, &data);
  getrlimit(RLIMIT_CORE, &core);
  return std::to_string(cpu.rlim_cur) + " " + std::to_string(data.rlim_cur) + " " + std::to_string(core.rlim_cur);
}

[[noreturn]] void spin() {
  for (volatile unsigned long i = 0;; i = i + 1) {}
}

std::string take_memory() {
  std::vector<std::vector<char>> taken;
  for (;;) taken.emplace_back(16 << 20, 'x');
}

Result<std::vector<uint8_t>> compile(std::span<const uint8_t> module, const std::string& settings) {
  std::string text(module.begin(), module.end());
  std::string word = text.substr(0, text.find(' ')), rest = text.substr(std::min(text.size(), word.size() + 1)), reply;
  if (word == "echo") reply = settings + ":" + rest;
  if (word == "descriptors") reply = open_descriptors();
  if (word == "limits") reply = limits();
  if (word == "refuse") return Error(ErrorCode::kInvalidConfig, rest);
  if (word == "spin") spin();
  if (word == "memory") reply = take_memory();
  if (word == "abort") abort();
  if (word == "panic") {
    std::fputs(rest.c_str(), stderr);
    abort();
  }
  if (word == "die") raise(SIGKILL);
  if (word == "exit") _exit(0);
  if (word == "sleep") pause();
  return std::vector<uint8_t>(reply.begin(), reply.end());
}

}  // namespace

int main(int argc, char** argv) {
  if (fiso::wasm::started_to_compile(argc, argv)) return fiso::wasm::compiler_main(argv, compile);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}

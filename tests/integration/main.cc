// Runs the tests, or, started so by the engine, compiles a module.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "wasm/compile_child.h"
#include "wasm/light/light_engine.h"

int main(int argc, char** argv) {
  if (fiso::wasm::started_to_compile(argc, argv)) return fiso::wasm::light::light_compiler_main(argv);
  // Every thread inherits this: the servers read their signals, none is ever delivered.
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // One cache for all tests, so that each guest is compiled once.
  std::string cache = std::filesystem::temp_directory_path() / ("fiso-integration-cache-" + std::to_string(getuid()));
  setenv("FISO_CACHE_DIR", cache.c_str(), 0);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

#include "program/module_commands.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

#include "base/clock.h"
#include "base/file_handle.h"
#include "program/workshop.h"

namespace fiso::program {
namespace {

// As shells and `timeout` report them: 128 + SIGABRT, 124, 128 + SIGKILL.
constexpr int kTrapExit = 134;
constexpr int kTimeoutExit = 124;
constexpr int kLimitExit = 137;
constexpr int kUsageExit = 2;

int fail(const Error& error) {
  std::fprintf(stderr, "error: %s\n", error.describe().c_str());
  return 1;
}

Result<std::string> read_stdin() {
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(ErrorCode::kInvalidInput, errno_text(errno)).with_context("standard input");
    if (got == 0) return text;
    text.append(piece.data(), static_cast<size_t>(got));
  }
}

int to_exit_code(const wasm::RunResult& result, const wasm::Limits& limits) {
  if (result.outcome == wasm::Outcome::kOk) return 0;
  if (result.outcome == wasm::Outcome::kExit) return static_cast<int>(result.exit_code & 0xff);
  std::fprintf(stderr, "error: %s\n", wasm::to_error(result, limits).message().c_str());
  if (result.outcome == wasm::Outcome::kTimeout) return kTimeoutExit;
  return result.outcome == wasm::Outcome::kTrap ? kTrapExit : kLimitExit;
}

}  // namespace

int compile_modules(const std::vector<std::string>& files, wasm::Runtime runtime, Bytes max_stack) {
  Workshop workshop(observe::LogLevel::kWarn);
  constexpr auto kRequired = wasm::CacheUse::kRequired;
  auto opened = runtime == wasm::Runtime::kLight ? workshop.open_light(max_stack, kRequired) : workshop.open_full(kRequired);
  if (!opened.has_value()) return fail(opened.error());
  int exit_code = 0;
  for (const std::string& file : files) {
    MonotonicTime start = Clock::system().now();
    auto module = workshop.engine().load(file);
    if (!module.has_value()) {
      exit_code = fail(module.error());
      continue;
    }
    auto took = std::chrono::duration<double, std::milli>(Clock::system().now() - start).count();
    std::printf("%s: ready in %.1f ms\n", file.c_str(), took);
  }
  return exit_code;
}

int run_module(const ModuleRun& run) {
  std::signal(SIGPIPE, SIG_IGN);  // the guest is told by an errno
  FileHandle stop(::eventfd(0, EFD_CLOEXEC));
  auto setup =
      make_setup(run, {.fds = {run.pooled ? -1 : STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, .stop = StopRequest(stop.get())});
  if (!setup.has_value()) return fail(setup.error()), kUsageExit;
  Workshop workshop(observe::LogLevel::kWarn);
  if (auto opened = workshop.open_light(run.max_stack, wasm::CacheUse::kWished); !opened.has_value()) return fail(opened.error());
  auto module = workshop.engine().load(run.file);
  if (!module.has_value()) return fail(module.error());
  module = (*module)->prepare(*setup);
  if (!module.has_value()) return fail(module.error());
  Result<std::string> input = run.pooled ? read_stdin() : std::string();
  if (!input.has_value()) return fail(input.error());
  wasm::RunResult result = workshop.run(**module, *setup, *input);
  (void)::eventfd_write(stop.get(), 1);  // a thread may still wait for a stream, and the pool's end for the thread
  return to_exit_code(result, run.limits);
}

}  // namespace fiso::program

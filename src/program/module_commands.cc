#include "program/module_commands.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <future>
#include <utility>

#include "async/spawn.h"
#include "base/file_handle.h"
#include "program/engines.h"
#include "wasm/capacity.h"
#include "wasm/light/light_engine.h"
#include "wasm/worker/worker_engine.h"

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

// Tells on stderr what an engine would log.
class StderrLog final : public observe::LogSink {
 public:
  void write(std::string_view line) override { std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data()); }
};

// One shard and an engine.
struct Workshop {
  explicit Workshop(observe::LogLevel level)
      : log(sink, level, "fiso"), blocking(2, 64), capacity(shards, {.instances = 4, .queue = 4, .memory = {}}) {}

  Result<> open(Bytes max_stack, wasm::CacheUse cache_use) {
    wasm::light::LightEngineOptions options;
    options.cache_use = cache_use;
    options.config.slots = 4;
    options.config.stack = max_stack;
    FISO_TRY(engine, wasm::light::LightEngine::make(shards, blocking, capacity, log, std::move(options)));
    return {};
  }
  Result<> open_full() {
    if (std::string why_not = all_engines().full.why_not; !why_not.empty()) return Error(ErrorCode::kInvalidConfig, why_not);
    wasm::worker::WorkerEngineOptions options;
    FISO_TRY(options.program, wasm::worker::find_worker_program());
    options.cache_use = wasm::CacheUse::kRequired;
    FISO_TRY(engine, wasm::worker::WorkerEngine::make(blocking, capacity, log, std::move(options)));
    return {};
  }

  StderrLog sink;
  observe::Log log;
  async::ShardSet shards{1};
  async::BlockingPool blocking;
  wasm::Capacity capacity;
  std::unique_ptr<wasm::Engine> engine;
};

Result<std::shared_ptr<const wasm::GuestSetup>> make_setup(const ModuleRun& run, StopRequest stop) {
  auto setup = std::make_shared<wasm::GuestSetup>();
  setup->limits = run.limits;
  setup->may_park = run.pooled;
  setup->module = run.file;
  wasm::wasi::GuestOptions options;
  options.args = {std::filesystem::path(run.file).filename().string()};
  options.args.insert(options.args.end(), run.arguments.begin(), run.arguments.end());
  options.env = run.env;
  options.preopens = run.preopens;
  options.pass_through = {.fds = {run.pooled ? -1 : STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}, .stop = stop};
  FISO_TRY(setup->wasi, wasm::wasi::GuestConfig::open(std::move(options)));
  return std::shared_ptr<const wasm::GuestSetup>(std::move(setup));
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

struct GuestCall {
  const wasm::Module& module;
  std::shared_ptr<const wasm::GuestSetup> setup;
  std::string_view input;
  std::promise<wasm::RunResult> done;
};

Task<> call_guest(async::Shard& shard, GuestCall& call) {
  auto instance = call.module.instantiate(shard, call.setup);
  wasm::RunResult result;
  if (call.setup->may_park) result = co_await instance->park(nullptr);
  wasm::RunRequest request{.input = std::span(&call.input, 1)};
  bool ready = !call.setup->may_park || instance->waiting();
  if (ready) result = co_await instance->run(request, wasm::AfterInput::kEnd);
  instance.reset();
  call.done.set_value(std::move(result));
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
  auto opened = runtime == wasm::Runtime::kLight ? workshop.open(max_stack, wasm::CacheUse::kRequired) : workshop.open_full();
  if (!opened.has_value()) return fail(opened.error());
  int exit_code = 0;
  for (const std::string& file : files) {
    MonotonicTime start = Clock::system().now();
    auto module = workshop.engine->load(file);
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
  auto setup = make_setup(run, StopRequest(stop.get()));
  if (!setup.has_value()) return fail(setup.error()), kUsageExit;
  Workshop workshop(observe::LogLevel::kWarn);
  if (auto opened = workshop.open(run.max_stack, wasm::CacheUse::kWished); !opened.has_value()) return fail(opened.error());
  auto module = workshop.engine->load(run.file);
  if (!module.has_value()) return fail(module.error());
  module = (*module)->prepare(*setup);
  if (!module.has_value()) return fail(module.error());
  Result<std::string> input = run.pooled ? read_stdin() : std::string();
  if (!input.has_value()) return fail(input.error());
  GuestCall call{**module, *setup, *input, {}};
  auto done = call.done.get_future();
  workshop.shards[0].post([&] { async::spawn(workshop.shards[0], call_guest(workshop.shards[0], call)); });
  wasm::RunResult result = done.get();
  (void)::eventfd_write(stop.get(), 1);  // a thread may still wait for a stream, and the pool's end for the thread
  return to_exit_code(result, run.limits);
}

}  // namespace fiso::program

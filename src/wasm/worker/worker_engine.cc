#include "wasm/worker/worker_engine.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "wasm/module_file.h"
#include "wasm/module_header.h"
#include "wasm/worker/worker_module.h"

namespace fiso::wasm::worker {
namespace {

constexpr char kProgram[] = "fiso-wasmer-host";

Result<std::string> ask_fingerprint(const std::string& program) {
  FileHandle answer(memfd_create("fiso-fingerprint", MFD_CLOEXEC));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, answer.get(), STDOUT_FILENO);
  std::string option = "--fingerprint", name = kProgram;
  std::array<char*, 3> argv{name.data(), option.data(), nullptr};
  pid_t pid = 0;
  int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(ErrorCode::kInvalidConfig, errno_text(failed)).with_context("start the Wasmer worker " + program);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  FISO_TRY(MappedFile text, MappedFile::map(answer));
  if (status != 0 || text.bytes().empty())
    return Error(ErrorCode::kInvalidConfig, program + " does not run, or is not Fiso's Wasmer worker");
  return std::string(text.bytes().begin(), text.bytes().end());
}

ArtifactsOptions artifacts_options(const WorkerEngineOptions& options, std::string fingerprint) {
  return {.cache_directory = options.cache_directory,
          .limits = options.compile,
          .cache_use = options.cache_use,
          .compiler = options.program,
          .settings = "wasmer",
          .fingerprint = std::move(fingerprint),
          .stop = options.stop};
}

}  // namespace

Result<std::string> find_worker_program(const std::string& named) {
  if (!named.empty()) return named;
  if (const char* from_environment = std::getenv("FISO_WASMER_HOST"); from_environment != nullptr)
    return std::string(from_environment);
  std::error_code error;
  std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  std::string looked;
  for (const std::filesystem::path& path : {here / kProgram, here.parent_path() / "libexec" / "fiso" / kProgram}) {
    if (access(path.c_str(), X_OK) == 0) return path.string();
    looked += (looked.empty() ? "" : ", ") + path.string();
  }
  return Error(ErrorCode::kInvalidConfig,
               "the Wasmer worker is not installed; looked for " + looked + " (or name it by -wasmer-host or FISO_WASMER_HOST)");
}

WorkerEngine::WorkerEngine(async::BlockingPool& blocking, Capacity& capacity, observe::Log log, WorkerEngineOptions options,
                           std::string fingerprint)
    : blocking_(blocking),
      capacity_(capacity),
      host_{.program = options.program, .log = log, .stack = options.stack, .meter = options.meter},
      artifacts_(artifacts_options(options, std::move(fingerprint)), log) {}

Result<std::unique_ptr<WorkerEngine>> WorkerEngine::make(async::BlockingPool& blocking, Capacity& capacity, observe::Log log,
                                                         WorkerEngineOptions options) {
  FISO_TRY(std::string fingerprint, ask_fingerprint(options.program));
  return std::unique_ptr<WorkerEngine>(
      new WorkerEngine(blocking, capacity, std::move(log), std::move(options), std::move(fingerprint)));
}

Result<std::shared_ptr<const Module>> WorkerEngine::load(const std::string& path) {
  FISO_TRY(ModuleFile file, ModuleFile::open(path));
  std::string key = artifacts_.key(file);
  std::weak_ptr<const Module>& known = loaded_[key];
  if (auto module = known.lock()) return module;
  FISO_TRY(FileHandle artifact, artifacts_.find(path, file, key));
  WorkerModule::Description description{.artifact = std::make_shared<const FileHandle>(std::move(artifact)),
                                        .initial_memory = initial_memory_of(file.bytes()),
                                        .knows_stdin_file = file.knows_stdin_file()};
  auto module =
      std::make_shared<const WorkerModule>(WorkerModule::Surroundings{host_, blocking_, capacity_}, std::move(description));
  known = module;
  return std::shared_ptr<const Module>(module);
}

}  // namespace fiso::wasm::worker

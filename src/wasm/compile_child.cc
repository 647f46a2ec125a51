#include "wasm/compile_child.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/file_handle.h"
#include "wasm/wasi/stderr_lines.h"

extern char** environ;

namespace fiso::wasm {
namespace {

// Descriptors of the child; 0 and 1 are /dev/null, and what it says on 2 is kept for the case that it dies.
constexpr int kModuleFd = 3;
constexpr int kReplyFd = 4;
// First byte of the reply: what follows.
constexpr uint8_t kArtifact = 1;
constexpr uint8_t kReason = 2;
// Bytes of its stderr that are looked at.
constexpr size_t kMostWords = 512;

Error refused(std::string why) { return Error(ErrorCode::kInvalidConfig, std::move(why)); }

Error cancelled() { return {ErrorCode::kCancelled, "stopping before the module is compiled"}; }

std::string seconds_text(Duration duration) { return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count()); }

// At a number above those of the child, so that putting one in its place there never covers the other.
Result<FileHandle> memory_file(const char* name) {
  FileHandle made(memfd_create(name, MFD_CLOEXEC));
  FileHandle file(made ? fcntl(made.get(), F_DUPFD_CLOEXEC, kReplyFd + 1) : -1);
  if (!file) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("memfd_create");
  return file;
}

struct ChildFiles {
  FileHandle module, reply, words;
};

Result<ChildFiles> make_files(std::span<const uint8_t> module) {
  ChildFiles files;
  FISO_TRY(files.module, memory_file("fiso-module"));
  FISO_TRY(files.reply, memory_file("fiso-artifact"));
  FISO_TRY(files.words, memory_file("fiso-compiler-stderr"));
  if (!write_all(files.module.get(), module))
    return Error(ErrorCode::kInternal, errno_text(errno)).with_context("hand the module to the compiler");
  return files;
}

Result<pid_t> spawn_compiler(const std::string& program, const ChildFiles& files, std::vector<std::string> arguments) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, files.words.get(), 2);
  posix_spawn_file_actions_adddup2(&actions, files.module.get(), kModuleFd);
  posix_spawn_file_actions_adddup2(&actions, files.reply.get(), kReplyFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kReplyFd + 1);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(ErrorCode::kInternal, errno_text(failed)).with_context("start the module compiler");
  return pid;
}

// How the child ended: its wait status, or nothing if a stop was asked for first.
using Ending = std::optional<int>;

// Waits for the child; kills it at the deadline, and when a stop is asked for.
Ending wait_for(pid_t pid, Duration longest, StopRequest stop) {
  bool stopped = false;
  FileHandle pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (pidfd) {
    std::array<pollfd, 2> watched{{{pidfd.get(), POLLIN, 0}, {stop.fd(), POLLIN, 0}}};
    auto deadline = std::chrono::steady_clock::now() + longest;
    int ready = 0;
    do {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      ready = left <= 0 ? 0 : poll(watched.data(), watched.size(), static_cast<int>(left));
    } while (ready < 0 && errno == EINTR);
    stopped = ready > 0 && watched[0].revents == 0;
    if (ready == 0 || stopped) kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return stopped ? Ending() : Ending(status);
}

// The first two lines of what a program says as it dies, such as "thread 'main' panicked at FILE:1:2:" and why; no backtrace.
std::string last_words(const FileHandle& file) {
  auto mapped = MappedFile::map(file);
  if (!mapped.has_value()) return "";
  std::string_view rest(reinterpret_cast<const char*>(mapped->bytes().data()), std::min(mapped->bytes().size(), kMostWords));
  std::string words;
  for (int lines = 0; lines < 2 && !rest.empty();) {
    size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.starts_with("note:") || line.starts_with("stack backtrace:")) break;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (lines++ > 0) words += ' ';
    words += line;
  }
  return wasi::escape_controls(words);
}

Error explain_death(int status, const CompileLimits& limits, const std::string& words) {
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
    return refused("compiling it takes more than " + seconds_text(limits.cpu) + " s of CPU time");
  std::string memory = "compiling it takes more than " + format_bytes(limits.memory) + " of memory";
  if (words.find("memory allocation of") != std::string::npos || words.find("bad_alloc") != std::string::npos)
    return refused(std::move(memory));
  if (!words.empty()) return refused("it crashes the compiler: " + words);
  return refused(memory + ", or it crashes the compiler");
}

void limit_self(const std::string& parent, const std::string& cpu_seconds, const std::string& memory) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (std::to_string(getppid()) != parent) _exit(1);  // it died before we asked to be told
  rlim_t cpu = std::strtoull(cpu_seconds.c_str(), nullptr, 10), data = std::strtoull(memory.c_str(), nullptr, 10);
  rlimit limit{cpu, cpu + 1};
  setrlimit(RLIMIT_CPU, &limit);
  limit = {data, data};
  setrlimit(RLIMIT_DATA, &limit);
  limit = {0, 0};
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

Result<std::vector<uint8_t>> compile_in_child(std::span<const uint8_t> module, const std::string& settings,
                                              const CompileLimits& limits, StopRequest stop, const std::string& program) {
  if (stop.made()) return cancelled();
  FISO_TRY(ChildFiles files, make_files(module));
  FISO_TRY(pid_t pid, spawn_compiler(program, files,
                                     {kCompilerName, std::to_string(getpid()), seconds_text(limits.cpu),
                                      std::to_string(limits.memory.count), settings}));
  Ending ending = wait_for(pid, limits.cpu * 4, stop);
  if (!ending.has_value()) return cancelled();
  int status = *ending;
  FISO_TRY(MappedFile mapped, MappedFile::map(files.reply));
  std::span<const uint8_t> bytes = mapped.bytes();
  bool finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!finished || bytes.empty()) return explain_death(status, limits, last_words(files.words));
  if (bytes[0] == kReason) return refused(std::string(bytes.begin() + 1, bytes.end()));
  return std::vector<uint8_t>(bytes.begin() + 1, bytes.end());
}

bool started_to_compile(int argc, char** argv) { return argc == 5 && std::strcmp(argv[0], kCompilerName) == 0; }

int compiler_main(char** argv, const CompileFunction& compile) {
  limit_self(argv[1], argv[2], argv[3]);
  auto module = MappedFile::map(FileHandle(kModuleFd));
  if (!module.has_value()) return 1;
  auto artifact = compile(module->bytes(), argv[4]);
  std::vector<uint8_t> reply;
  if (artifact.has_value()) {
    reply.push_back(kArtifact);
    reply.insert(reply.end(), artifact->begin(), artifact->end());
  } else {
    const std::string& reason = artifact.error().message();
    reply.push_back(kReason);
    reply.insert(reply.end(), reason.begin(), reason.end());
  }
  return write_all(kReplyFd, reply) ? 0 : 1;
}

}  // namespace fiso::wasm

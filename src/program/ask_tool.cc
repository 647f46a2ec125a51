#include "program/ask_tool.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "base/file_handle.h"

namespace fiso::program {
namespace {

constexpr size_t kMostOutput = 64 << 10;

// Files in memory: whatever it says and whoever it starts, nobody waits for an end of a stream.
std::string text_of(const FileHandle& file) {
  auto mapped = MappedFile::map(file);
  if (!mapped.has_value()) return "";
  return {reinterpret_cast<const char*>(mapped->bytes().data()), std::min(mapped->bytes().size(), kMostOutput)};
}

std::string last_line(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  size_t before = text.rfind('\n');
  return std::string(before == std::string_view::npos ? text : text.substr(before + 1));
}

Result<pid_t> start(std::vector<std::string>& command, const FileHandle& output, const FileHandle& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors.get(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // so that those whom it starts go with it
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  int failed = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(failed == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable, errno_text(failed));
  return pid;
}

// Its wait status; nothing if it had to be killed.
Result<int> wait_for(pid_t pid, Duration patience) {
  FileHandle watched(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  auto deadline = Clock::system().now() + patience;
  pollfd polled{watched.get(), POLLIN, 0};
  int ready = 0;
  do {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::system().now()).count();
    ready = ::poll(&polled, 1, static_cast<int>(std::max<int64_t>(left, 0)));
  } while (ready < 0 && errno == EINTR);
  if (ready <= 0) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (ready <= 0) return Error(ErrorCode::kTimeout, "it has not ended");
  return status;
}

}  // namespace

Result<std::string> ask_tool(std::vector<std::string> command, Duration patience) {
  FileHandle output(memfd_create("fiso-tool-stdout", MFD_CLOEXEC)), errors(memfd_create("fiso-tool-stderr", MFD_CLOEXEC));
  if (!output || !errors) return Error(ErrorCode::kInternal, errno_text(errno));
  FISO_TRY(pid_t pid, start(command, output, errors));
  FISO_TRY(int status, wait_for(pid, patience));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text_of(output);
  std::string said = last_line(text_of(errors));
  if (said.empty())
    said = WIFEXITED(status) ? "it ended with " + std::to_string(WEXITSTATUS(status))
                             : "it was ended by signal " + std::to_string(WTERMSIG(status));
  return Error(ErrorCode::kUnavailable, said);
}

}  // namespace fiso::program

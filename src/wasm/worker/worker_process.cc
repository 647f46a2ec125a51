#include "wasm/worker/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "wasm/worker/packets.h"

namespace fiso::wasm::worker {
namespace {

constexpr int kControlFd = 3;
constexpr std::chrono::seconds kPatience{20};

// Theirs are above kControlFd, so that none is overwritten before it is in its place.
Result<pid_t> spawn(const std::string& program, int control, WorkerStreams streams) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int sources[] = {streams.stdio, streams.stdio, streams.errors};
  for (int i = 0; i < 3; ++i) {
    if (sources[i] >= 0) {
      posix_spawn_file_actions_adddup2(&actions, sources[i], i);
    } else if (i < 2) {
      posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i == 0 ? O_RDONLY : O_WRONLY, 0);
    }
  }
  posix_spawn_file_actions_adddup2(&actions, control, kControlFd);
  posix_spawn_file_actions_addclosefrom_np(&actions, kControlFd + 1);
  char* argv[] = {const_cast<char*>("fiso-wasmer-host"), const_cast<char*>("guest"), nullptr};
  char* environment[] = {nullptr};  // the guest's comes in the setup, and ours is nobody's business
  pid_t pid = 0;
  int failed = posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(ErrorCode::kInternal, errno_text(failed)).with_context("start " + program);
  return pid;
}

Duration to_duration(const timeval& time) { return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec); }

// Said once, not for every worker.
void note_lack(WorkerHost& host, std::string_view protection) {
  bool is_new = host.known_lacks.with([&](auto& known) { return known.emplace(protection).second; });
  if (is_new) host.log.warn("this kernel lacks a protection of worker processes", {{"protection", protection}});
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(WorkerHost& host, const WorkerSetup& setup,
                                                            const FileHandle& artifact, WorkerStreams streams) {
  FISO_TRY(std::string packet, setup_packet(setup));
  FISO_TRY(SocketPair control, make_socket_pair(SOCK_SEQPACKET));
  FileHandle theirs(fcntl(control.theirs.get(), F_DUPFD_CLOEXEC, kControlFd + 1));  // dup2 of a number to itself keeps it closed
  if (!theirs) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("fcntl");
  FISO_TRY(pid_t pid, spawn(host.program, theirs.get(), streams));
  std::unique_ptr<WorkerProcess> process(new WorkerProcess(pid, std::move(control.ours), host.meter));
  if (host.meter != nullptr) host.meter->add(pid, setup.guest);
  int descriptor = artifact.get();
  if (int failed = send_packet(process->control(), packet, {&descriptor, 1}); failed != 0)
    return Error(ErrorCode::kInternal, errno_text(failed)).with_context("tell the worker its setup");
  // Closed here, so that the worker's end is seen.
  theirs = FileHandle();
  control.theirs = FileHandle();
  FISO_TRY_OK(process->await_ready(host));
  return process;
}

Result<> WorkerProcess::await_ready(WorkerHost& host) {
  MonotonicTime deadline = std::chrono::steady_clock::now() + kPatience;
  std::string packet(kLargestPacket, '\0');
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd watched{control(), POLLIN, 0};
    int ready = left <= 0 ? 0 : poll(&watched, 1, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error(ErrorCode::kTimeout, "the worker process does not get ready");
    ssize_t length = recv(control(), packet.data(), packet.size(), 0);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (length <= 0) return Error(ErrorCode::kUnavailable, "the worker process ended before it was ready");
    auto words = split_words(std::string_view(packet).substr(0, static_cast<size_t>(length)));
    if (words.empty()) continue;
    if (words[0] == "ready") return {};
    if (words[0] == "failed")
      return Error(ErrorCode::kInvalidConfig, "the worker process: " + std::string(words.size() > 1 ? words[1] : ""));
    if (words[0] == "lacks" && words.size() > 1) note_lack(host, words[1]);
  }
}

WorkerProcess::~WorkerProcess() {
  kill(pid_, SIGKILL);
  siginfo_t unused;
  while (waitid(P_PID, static_cast<id_t>(pid_), &unused, WEXITED | WNOWAIT) < 0 && errno == EINTR) {}
  auto reap = [this] {
    rusage used{};
    while (wait4(pid_, nullptr, 0, &used) < 0 && errno == EINTR) {}
    return to_duration(used.ru_utime) + to_duration(used.ru_stime);
  };
  if (meter_ != nullptr) {
    meter_->remove(pid_, reap);
  } else {
    reap();
  }
}

}  // namespace fiso::wasm::worker

#include "wasm/worker/fork_server.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "async/signal.h"
#include "wasm/worker/packets.h"

namespace fiso::wasm::worker {
namespace {

constexpr std::chrono::seconds kBetweenStarts{1};
constexpr std::chrono::milliseconds kRetry{1};

MonotonicTime now() { return std::chrono::steady_clock::now(); }

Error unavailable(std::string why) {
  return Error(ErrorCode::kUnavailable, "the worker process cannot be started").with_context(std::move(why));
}

}  // namespace

Result<std::shared_ptr<ForkServer>> ForkServer::start(WorkerHost& host, async::BlockingPool& blocking, WorkerSetup setup,
                                                      std::shared_ptr<const FileHandle> artifact) {
  std::shared_ptr<ForkServer> server(new ForkServer(host, blocking, std::move(setup), std::move(artifact)));
  FISO_TRY(auto process, WorkerProcess::start(host, server->setup_, *server->artifact_));
  server->state_.with([&](State& state) { state.process = std::move(process); });
  return server;
}

// Ending a process waits for it, which is nothing for a shard.
ForkServer::~ForkServer() {
  std::shared_ptr<WorkerProcess> process = current();
  (void)blocking_.submit([process = std::move(process)] {});
}

std::shared_ptr<WorkerProcess> ForkServer::current() {
  return state_.with([](State& state) { return state.process; });
}

Task<Result<>> ForkServer::run(ChildEnds ends, Waiting waiting, MonotonicTime deadline) {
  PacketWriter packet;
  packet.add("run").add(waiting == Waiting::kTold ? "told" : "untold");
  const std::array<int, 3> descriptors{ends.stdio, ends.errors, ends.status};
  for (bool restarted = false;;) {
    std::shared_ptr<WorkerProcess> process = current();
    int failed = process == nullptr ? EPIPE : send_packet(process->control(), packet.bytes(), descriptors);
    if (failed == 0) co_return Result<>();
    if (failed == EAGAIN) {
      if (now() >= deadline) co_return Error(ErrorCode::kTimeout, "the worker process is too far behind");
      co_await async::sleep_until(now() + kRetry);
      continue;
    }
    if (std::exchange(restarted, true)) co_return unavailable(errno_text(failed));
    FISO_CO_TRY(auto started, co_await blocking_.run([this, process] { return restart(process); }));
    if (!started.has_value()) co_return started.take_error();
  }
}

Result<> ForkServer::restart(const std::shared_ptr<WorkerProcess>& dead) {
  return state_.with([&](State& state) -> Result<> {
    if (state.process != dead) return {};
    if (now() < state.next_start) return unavailable("it died a moment ago");
    state.next_start = now() + kBetweenStarts;
    host_.log.warn("worker process died, starting another", {{"module", guest().module}});
    state.process.reset();
    auto process = WorkerProcess::start(host_, setup_, *artifact_);
    if (!process.has_value()) return unavailable(process.error().describe());
    state.process = std::move(*process);
    return {};
  });
}

}  // namespace fiso::wasm::worker

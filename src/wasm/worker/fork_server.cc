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
    if (restarted) co_return unavailable(errno_text(failed));
    if (auto next_look = claim_restart(process); next_look.has_value()) {
      if (*next_look >= deadline) co_return unavailable("it died a moment ago");
      co_await async::sleep_until(*next_look);
      continue;
    }
    restarted = true;
    auto started = co_await blocking_.run([this] { return restart(); });
    if (!started.has_value()) {
      end_restart(nullptr);
      co_return started.take_error();
    }
    FISO_CO_TRY_OK(std::move(*started));
  }
}

std::optional<MonotonicTime> ForkServer::claim_restart(const std::shared_ptr<WorkerProcess>& dead) {
  return state_.with([&](State& state) -> std::optional<MonotonicTime> {
    MonotonicTime time = now();
    if (state.process != dead) return time;
    if (state.is_starting) return time + kRetry;
    if (time < state.next_start) return state.next_start;
    state.next_start = time + kBetweenStarts;
    state.is_starting = true;
    return std::nullopt;
  });
}

Result<> ForkServer::restart() {
  host_.log.warn("worker process died, starting another", {{"module", guest().module}});
  auto process = WorkerProcess::start(host_, setup_, *artifact_);
  if (!process.has_value()) {
    end_restart(nullptr);
    return unavailable(process.error().describe());
  }
  end_restart(std::move(*process));
  return {};
}

// The dead one goes when nobody holds it any more, outside of the lock: it is waited for.
void ForkServer::end_restart(std::shared_ptr<WorkerProcess> process) {
  state_.with([&](State& state) {
    state.is_starting = false;
    std::swap(state.process, process);
  });
}

}  // namespace fiso::wasm::worker

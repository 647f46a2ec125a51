#include "wasm/worker/worker_resident.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "async/spawn.h"
#include "wasm/worker/packets.h"

namespace fiso::wasm::worker {
namespace {

// What a guest wrote just before its end; a pipe does not hold more.
constexpr size_t kMostLastWords = 1024 * 1024;

// A descriptor of the same socket.
Result<FileHandle> duplicate(int fd) {
  FileHandle copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error(ErrorCode::kInternal, errno_text(errno)).with_context("fcntl");
  return copy;
}

}  // namespace

WorkerResident::Life::~Life() {
  if (setup_->memory_bytes != nullptr) setup_->memory_bytes->add(-static_cast<double>(charged_));
  parts_.capacity.memory.give_back(charged_);
  // Ending a process waits for it, which is nothing for a shard.
  (void)parts_.blocking.submit([process = std::move(process_)] {});
}

Task<Result<>> WorkerResident::Life::begin(async::Shard& shard) {
  if (!charge(parts_.initial_memory.count))
    co_return Error(ErrorCode::kOverloaded, "the memory for all guests together is used up");
  FISO_CO_TRY(SocketPair stdio, make_socket_pair(SOCK_STREAM));
  FISO_CO_TRY(SocketPair errors, make_pipe());
  WorkerSetup setup{.kind = WorkerKind::kAlone, .guest = setup_};
  WorkerStreams streams{.stdio = stdio.theirs.get(), .errors = errors.theirs.get()};
  FISO_CO_TRY(auto started, co_await parts_.blocking.run([this, setup, streams] {
    return WorkerProcess::start(parts_.host, setup, *parts_.artifact, streams);
  }));
  if (!started.has_value()) co_return started.take_error();
  process_ = std::move(*started);
  FISO_CO_TRY(FileHandle status, duplicate(process_->control()));
  channel_ =
      std::make_shared<GuestChannel>(shard, GuestChannel::Ends{std::move(stdio), std::move(errors.ours), std::move(status)},
                                     static_cast<GuestChannel::Listener&>(*this));
  channel_->open();
  co_return Result<>();
}

Task<> WorkerResident::Life::watch(std::shared_ptr<Life> self) {
  GuestChannel& channel = *self->channel_;
  while (self->events_ != nullptr) {
    channel.changed.reset();
    self->pass_on_output();
    if (self->ending_.has_value() || channel.lost()) break;
    co_await channel.changed.wait();
  }
  if (self->events_ == nullptr) co_return;
  channel.drain(kMostLastWords);
  self->pass_on_output();
  GuestEnding died{.outcome = Outcome::kTrap, .exit_code = 0, .detail = "the worker process of the guest died"};
  GuestEnding ending = std::move(self->ending_).value_or(std::move(died));
  ResidentEvents& events = *self->events_;
  uint64_t unread = channel.unread();
  self->close();
  events.ended({.outcome = ending.outcome, .exit_code = ending.exit_code, .detail = std::move(ending.detail), .unread = unread});
}

void WorkerResident::Life::close() {
  events_ = nullptr;
  channel_->close();
  channel_->changed.set();
}

void WorkerResident::Life::pass_on_output() {
  std::string text = std::exchange(channel_->output(), {});
  if (!text.empty() && events_ != nullptr) events_->written(GuestStream::kOutput, text);
}

void WorkerResident::Life::stderr_text(std::string_view text) {
  if (events_ != nullptr) events_->written(GuestStream::kErrors, text);
}

void WorkerResident::Life::told(std::span<const std::string_view> words) {
  if (events_ == nullptr || ending_.has_value()) return;
  ending_ = read_ending(words);
  if (words[0] == "grown") {
    if (!charge(number_at(words, 1))) ending_ = GuestEnding{.outcome = Outcome::kExhausted, .exit_code = 0, .detail = {}};
  } else if (words[0] == "waiting") {
    // What it wrote before it waited is there, if not read yet.
    channel_->drain(kMostLastWords);
    pass_on_output();
    if (events_ != nullptr) events_->noticed(ResidentNotice::kWaiting, words.size() > 1 ? words[1] : std::string_view("0"));
  } else if (words[0] == "listening" && words.size() > 2) {
    events_->noticed(ResidentNotice::kListening, std::string(words[1]) + ' ' + std::string(words[2]));
  } else if (words[0] == "denied" && words.size() > 1) {
    events_->noticed(ResidentNotice::kDenied, words[1]);
  }
}

bool WorkerResident::Life::charge(uint64_t bytes) {
  if (bytes <= charged_) return true;
  if (!parts_.capacity.memory.take(bytes - charged_)) return false;
  if (setup_->memory_bytes != nullptr) setup_->memory_bytes->add(static_cast<double>(bytes - charged_));
  charged_ = bytes;
  return true;
}

Task<Result<std::unique_ptr<Resident>>> WorkerResident::start(async::Shard& shard, Parts parts,
                                                              std::shared_ptr<const GuestSetup> setup, ResidentEvents& events) {
  auto life = std::make_shared<Life>(parts, std::move(setup), events);
  FISO_CO_TRY_OK(co_await life->begin(shard));
  async::spawn(shard, Life::watch(life));
  co_return std::unique_ptr<Resident>(new WorkerResident(std::move(life)));
}

WorkerResident::~WorkerResident() { life_->close(); }

void WorkerResident::write(std::string text) { life_->channel().write(std::move(text), GuestChannel::End::kNo); }

void WorkerResident::end_input() { life_->channel().write({}, GuestChannel::End::kFollows); }

void WorkerResident::hush() { (void)send_packet(life_->process().control(), PacketWriter().add("hush").bytes()); }

// One that is too far behind to be told is killed in the end anyway.
void WorkerResident::terminate() { (void)send_packet(life_->process().control(), PacketWriter().add("term").bytes()); }

}  // namespace fiso::wasm::worker

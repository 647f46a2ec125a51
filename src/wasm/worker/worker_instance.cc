#include "wasm/worker/worker_instance.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "wasm/wasi/guest.h"

namespace fiso::wasm::worker {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

WorkerInstance::WorkerInstance(async::Shard& shard, Capacity& capacity, std::shared_ptr<ForkServer> server, Bytes initial_memory)
    : shard_(shard),
      capacity_(capacity),
      server_(std::move(server)),
      initial_memory_(initial_memory),
      stderr_lines_(&stderr_, server_->guest().wasi->limits().stderr_line, server_->guest().wasi->limits().stderr_lines) {}

WorkerInstance::~WorkerInstance() {
  if (channel_ != nullptr) channel_->close();
  set_memory(0);
  return_output();
  if (charged_ != 0) capacity_.memory.give_back(charged_);
}

Task<RunResult> WorkerInstance::park(wasi::StderrSink* stderr_lines) {
  FISO_CHECK(phase_ == Phase::kNew && server_->guest().may_park);
  deadline_ = now() + server_->guest().limits.timeout;
  stderr_.target = stderr_lines;
  under_way_ = true;
  if (auto begun = co_await begin(Waiting::kTold); begun.has_value()) co_await drive();
  RunResult result = phase_ == Phase::kWaiting ? RunResult{} : conclude();
  finish();
  co_return result;
}

void WorkerInstance::stop() {
  stopped_ = under_way_;
  if (channel_ != nullptr) channel_->changed.set();
}

Task<RunResult> WorkerInstance::run(const RunRequest& request, AfterInput after) {
  FISO_CHECK(phase_ == Phase::kNew || phase_ == Phase::kWaiting);
  deadline_ = request.deadline.has_value() ? *request.deadline : now() + server_->guest().limits.timeout;
  stderr_.target = request.stderr_lines;
  under_way_ = true;
  if (phase_ == Phase::kNew) {
    auto begun = co_await begin(after == AfterInput::kMore ? Waiting::kTold : Waiting::kUntold);
    if (!begun.has_value()) {
      finish();
      co_return conclude();
    }
  }
  size_t size = 0;
  for (std::string_view piece : request.input) size += piece.size();
  std::string input;
  input.reserve(size);
  for (std::string_view piece : request.input) input += piece;
  input_ended_ = after == AfterInput::kEnd;
  told_waiting_ = false;
  phase_ = Phase::kRunning;
  channel_->write(std::move(input), input_ended_ ? GuestChannel::End::kFollows : GuestChannel::End::kNo);
  co_await drive();
  RunResult result = phase_ == Phase::kWaiting ? RunResult{.output = std::exchange(channel_->output(), {})} : conclude();
  return_output();
  finish();
  co_return result;
}

void WorkerInstance::finish() {
  under_way_ = stopped_ = false;
  stderr_lines_.flush();
  stderr_lines_.restart();
  stderr_.target = nullptr;
}

// What is idle on this shard gives way at once, on others soon: for the next that asks.
bool WorkerInstance::take_memory(uint64_t bytes) {
  if (capacity_.memory.take(bytes)) return true;
  capacity_.reserves.make_room({.bytes = bytes});
  return capacity_.memory.take(bytes);
}

bool WorkerInstance::pay_for_output() {
  uint64_t owed = std::max<uint64_t>(channel_->output().size(), wasi::kFreeOutput.count) - wasi::kFreeOutput.count;
  if (owed <= paid_output_) return true;
  if (!take_memory(owed - paid_output_)) return false;
  paid_output_ = owed;
  return true;
}

void WorkerInstance::return_output() {
  if (uint64_t paid = std::exchange(paid_output_, 0); paid != 0) capacity_.memory.give_back(paid);
}

Task<Result<>> WorkerInstance::begin(Waiting waiting) {
  auto prepared = [&]() -> Result<std::array<SocketPair, 3>> {
    FISO_TRY(SocketPair stdio, make_socket_pair(SOCK_STREAM));
    FISO_TRY(SocketPair errors, make_pipe());
    FISO_TRY(SocketPair status, make_socket_pair(SOCK_SEQPACKET));
    return std::array{std::move(stdio), std::move(errors), std::move(status)};
  }();
  if (!prepared.has_value()) {
    end({.outcome = Outcome::kOverloaded, .died = true});  // no descriptor is left
    co_return prepared.take_error();
  }
  auto& [stdio, errors, status] = *prepared;
  auto run = co_await server_->run({stdio.theirs.get(), errors.theirs.get(), status.theirs.get()}, waiting, deadline_);
  if (!run.has_value()) {
    bool late = run.error().code() == ErrorCode::kTimeout;
    end({.outcome = late ? Outcome::kTimeout : Outcome::kBadStart, .detail = run.error().describe(), .died = true});
    co_return run;
  }
  channel_ =
      std::make_shared<GuestChannel>(shard_, GuestChannel::Ends{std::move(stdio), std::move(errors.ours), std::move(status.ours)},
                                     static_cast<GuestChannel::Listener&>(*this));
  channel_->open();
  set_memory(initial_memory_.count);
  phase_ = Phase::kRunning;
  co_return run;
}

Task<> WorkerInstance::drive() {
  const Bytes most_output = server_->guest().limits.output;
  while (phase_ == Phase::kRunning) {
    channel_->changed.reset();
    // What it wrote before it waited is here by now, and has to be counted before it may stand parked.
    bool wants_input = told_waiting_ && read_ == channel_->written() && !input_ended_;
    if (wants_input) channel_->drain(most_output.count + 1);
    if (channel_->output().size() > most_output.count) {
      end({.outcome = Outcome::kOutput});
    } else if (!pay_for_output()) {
      end({.outcome = Outcome::kExhausted});
    } else if (stopped_) {
      end({.outcome = Outcome::kTimeout});
    } else if (wants_input && has_answered()) {
      phase_ = Phase::kWaiting;
    } else if (wants_input) {
      input_ended_ = true;  // it reads to the end before it answers
      channel_->write({}, GuestChannel::End::kFollows);
    } else if (channel_->lost()) {
      end_by_death();
    } else if (!co_await channel_->changed.wait(deadline_)) {
      end({.outcome = Outcome::kTimeout});
    }
  }
}

// Before it has been given anything there is nothing to answer; half a line is no answer.
bool WorkerInstance::has_answered() const { return channel_->written() == 0 || channel_->output().ends_with('\n'); }

void WorkerInstance::told(std::span<const std::string_view> words) {
  std::string_view what = words[0];
  if (what == "waiting") {
    read_ = number_at(words, 1);
    told_waiting_ = true;
  } else if (what == "grown") {
    note_growth(number_at(words, 1));
  } else if (what == "denied" && words.size() > 1) {
    stderr_.denied(words[1]);
  } else if (auto ending = read_ending(words); ending.has_value()) {
    end_by_itself(std::move(*ending));
  } else if (what == "gone" && phase_ != Phase::kEnded) {
    auto status = static_cast<int>(number_at(words, 1));
    std::string signal = WIFSIGNALED(status) ? " of signal " + std::to_string(WTERMSIG(status)) : "";
    end_by_death(signal);
  }
}

void WorkerInstance::note_growth(uint64_t bytes) {
  uint64_t charged = initial_memory_.count + charged_;
  if (bytes > charged) {
    if (!take_memory(bytes - charged)) return end({.outcome = Outcome::kExhausted});
    charged_ += bytes - charged;
  }
  set_memory(bytes);
}

void WorkerInstance::set_memory(uint64_t bytes) {
  if (observe::Gauge* gauge = server_->guest().memory_bytes; gauge != nullptr && bytes != memory_)
    gauge->add(static_cast<double>(bytes) - static_cast<double>(memory_));
  memory_ = bytes;
}

// The first end counts: a guest that is stopped has more to tell afterwards.
void WorkerInstance::end(GuestEnding ending) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  ending_ = std::move(ending);
}

void WorkerInstance::end_by_death(std::string_view signal) {
  end({.outcome = Outcome::kTrap, .detail = "the worker process of the guest died" + std::string(signal), .died = true});
}

void WorkerInstance::end_by_itself(GuestEnding ending) {
  ended_by_itself_ = phase_ != Phase::kEnded;
  end(std::move(ending));
}

RunResult WorkerInstance::conclude() {
  RunResult result{.outcome = ending_.outcome, .exit_code = ending_.exit_code, .detail = ending_.detail, .died = ending_.died};
  if (channel_ != nullptr) {
    if (ended_by_itself_) channel_->drain(server_->guest().limits.output.count + 1);
    if (result.died) result.unread = channel_->unread();
    result.output = std::move(channel_->output());
    // What has ended by itself need not be stopped: its fork server is told later, when the answer is out.
    if (!ended_by_itself_) channel_->close();
  }
  if (result.outcome == Outcome::kOk && result.output.size() > server_->guest().limits.output.count)
    result.outcome = Outcome::kOutput;
  return result;
}

}  // namespace fiso::wasm::worker

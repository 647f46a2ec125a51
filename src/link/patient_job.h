// A job of the blocking pool that its caller waits for only so long: a file on a server that hangs holds up one thread, and
// nobody else.
//
// Run again it first waits for the run before, whose answer may be old, so that one thread is all it ever holds up.
// Threading: shard-local, one run at a time; the job runs on a thread that may block, and may outlive this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "async/blocking_pool.h"

namespace fiso::link {

template <class T>
class PatientJob {
 public:
  PatientJob(async::BlockingPool& blocking, std::function<T()> job) : blocking_(blocking), job_(std::move(job)) {}
  PatientJob(const PatientJob&) = delete;

  // What the job returns. kTimeout at the deadline, kCancelled once it is aborted, kOverloaded if too many jobs wait.
  Task<Result<T>> run(MonotonicTime deadline) {
    if (state_ == nullptr) state_ = std::make_shared<State>(async::Shard::current().executor());
    std::shared_ptr<State> state = state_;
    FISO_CO_TRY_OK(co_await ended(*state, deadline));
    FISO_CO_TRY_OK(start(state));
    FISO_CO_TRY_OK(co_await ended(*state, deadline));
    co_return std::move(*state->found);
  }

  // The run under way ends, and so does every later one.
  void abort() {
    is_aborted_ = true;
    if (state_ == nullptr) return;
    state_->is_aborted = true;
    state_->changed.set();
  }

 private:
  struct State {
    explicit State(async::Executor executor) : changed(executor) {}
    std::optional<T> found;
    bool is_running = false, is_aborted = false;
    async::Signal changed;
  };

  Result<> start(const std::shared_ptr<State>& state) {
    if (is_aborted_) return Error(ErrorCode::kCancelled, "stopping");
    async::Shard& shard = async::Shard::current();
    auto job = [state, job = job_, &shard]() mutable {
      auto found = std::make_shared<T>(job());
      shard.post([state = std::move(state), found = std::move(found)] {
        state->found.emplace(std::move(*found));
        state->is_running = false;
        state->changed.set();
      });
    };
    if (!blocking_.submit(std::move(job))) return Error(ErrorCode::kOverloaded, "too many blocking operations are waiting");
    state->is_running = true;
    return {};
  }

  static Task<Result<>> ended(State& state, MonotonicTime deadline) {
    while (state.is_running && !state.is_aborted) {
      state.changed.reset();
      if (!co_await state.changed.wait(deadline)) co_return Error(ErrorCode::kTimeout, "the file system does not answer");
    }
    if (state.is_aborted) co_return Error(ErrorCode::kCancelled, "stopping");
    co_return Result<>();
  }

  async::BlockingPool& blocking_;
  const std::function<T()> job_;
  std::shared_ptr<State> state_;
  bool is_aborted_ = false;
};

}  // namespace fiso::link

// The WASI state of one instance: descriptors, stdin, stdout, stderr and how it ended.
//
// The engine gives it input, lets the guest run, and takes the output; the host calls (host_calls.h) do the rest. It is
// independent of any engine. Shard-local: made, used and destroyed on one shard. `config`, `clock` and the sink outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "wasm/wasi/fd_table.h"
#include "wasm/wasi/guest_config.h"
#include "wasm/wasi/input.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::wasm::wasi {

// Output of one run that costs nothing: small runs are not to pay for asking.
inline constexpr Bytes kFreeOutput = 64_KiB;

// Who is asked for the memory of output beyond that. Called on the guest's shard, in the middle of a host call.
class OutputBudget {
 public:
  virtual bool take(uint64_t bytes) = 0;
  virtual void give_back(uint64_t bytes) = 0;

 protected:
  ~OutputBudget() = default;
};

// Whoever keeps a guest that lives on. Called on the guest's shard, in the middle of a host call: it must not touch the guest.
class LifeSink {
 public:
  // What it wrote to 1 or 2, as it wrote it, in pieces.
  virtual void wrote(Fd stream, std::string_view bytes) = 0;
  // It asks for connections, whether there is one or not.
  virtual void accepts(const HostFile& listener) = 0;

 protected:
  ~LifeSink() = default;
};

class Guest {
 public:
  // `stderr_sink` may be null, and so may `budget`: then output is bounded by its own limit only.
  Guest(const GuestConfig& config, const Clock& clock, StderrSink* stderr_sink, OutputBudget* budget = nullptr);
  ~Guest() { give_back_budget(); }
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // Makes it one that lives on: what it writes goes to `sink`, which outlives it, and is not counted; the listeners, which are
  // non-blocking, become its descriptors behind the preopens. Before it runs.
  void live_on(LifeSink& sink, std::span<const HostFileRef> listeners);
  // More input of a guest that lives on.
  void add_input(std::string text) { input_.append(std::move(text)); }

  // Starts a run: what the guest reads from now on. The pieces and the array of them are borrowed until the run has ended.
  void give_input(std::span<const std::string_view> pieces, InputEnd end);
  // After give_input with kMoreLater, or of a guest that lives on: nothing more will come.
  void end_input() { input_.finish(); }
  // True if a read of stdin would not wait.
  bool has_input() const { return input_.readable(); }

  const std::string& output() const { return output_; }
  // Moves it out; output starts empty again, and with it the count towards the limit. What its memory took of the budget is
  // given back.
  std::string take_output() {
    give_back_budget();
    return std::exchange(output_, {});
  }
  // The guest wrote more than its limit, or than the budget had left, and is to be stopped.
  bool output_overflowed() const { return refusal_ == Refusal::kLimit; }
  bool output_unaffordable() const { return refusal_ == Refusal::kBudget; }
  bool must_stop() const { return refusal_ != Refusal::kNone; }

  // Set once the guest has called proc_exit.
  std::optional<uint32_t> exit_code() const { return exit_code_; }

  // Reports a last line without a newline.
  void flush_stderr() { stderr_.flush(); }

  // For the host calls.
  const GuestConfig& config() const { return config_; }
  const GuestLimits& limits() const { return config_.limits(); }
  const Clock& clock() const { return clock_; }
  FdTable& fds() { return fds_; }
  Input& input() { return input_; }
  LifeSink* life() { return life_; }  // null for one that does not live on
  StderrLines& stderr_lines() { return stderr_; }
  void exit(uint32_t code) { exit_code_ = code; }
  // Room for `count` more bytes of output; without it the guest must stop.
  bool reserve_output(uint64_t count);
  void append_output(std::string_view bytes) { output_.append(bytes); }

 private:
  enum class Refusal { kNone, kLimit, kBudget };

  bool pay_for_output(uint64_t size);
  void give_back_budget();

  const GuestConfig& config_;
  const Clock& clock_;
  FdTable fds_;
  Input input_;
  StderrLines stderr_;
  std::string output_;
  OutputBudget* budget_;
  LifeSink* life_ = nullptr;
  uint64_t paid_output_ = kFreeOutput.count;  // size that is paid for
  Refusal refusal_ = Refusal::kNone;
  std::optional<uint32_t> exit_code_;
};

}  // namespace fiso::wasm::wasi

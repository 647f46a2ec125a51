#include "wasm/wasi/guest.h"

#include <algorithm>

namespace fiso::wasm::wasi {
namespace {

constexpr Rights kStdinRights = rights::kFdRead | rights::kFdFilestatGet | rights::kFdFdstatSetFlags | rights::kPollFdReadwrite;
constexpr Rights kStdoutRights = rights::kFdWrite | rights::kFdFilestatGet | rights::kFdFdstatSetFlags | rights::kPollFdReadwrite;
constexpr Rights kListenerRights =
    rights::kSockAccept | rights::kFdFilestatGet | rights::kFdFdstatSetFlags | rights::kPollFdReadwrite;

}  // namespace

Guest::Guest(const GuestConfig& config, const Clock& clock, StderrSink* stderr_sink, OutputBudget* budget)
    : config_(config),
      clock_(clock),
      fds_(std::max<uint32_t>(config.limits().fds, static_cast<uint32_t>(4 + config.preopens().size()))),
      stderr_(stderr_sink, config.limits().stderr_line, config.limits().stderr_lines),
      budget_(budget) {
  fds_.reserve(6 + config.preopens().size());
  using Kind = Descriptor::Kind;
  for (Fd fd = 0; Kind kind : {Kind::kStdin, Kind::kStdout, Kind::kStderr}) {
    const HostFileRef& stream = config.streams()[fd++];
    (void)fds_.add({.kind = stream == nullptr ? kind : Kind::kStream,
                    .rights = kind == Kind::kStdin ? kStdinRights : kStdoutRights,
                    .host = stream});
  }
  for (const GuestConfig::Preopen& preopen : config.preopens())
    (void)fds_.add({.kind = Descriptor::Kind::kDirectory,
                    .rights = directory_rights(preopen.directory->access()),
                    .inheriting = rights::kAll,
                    .host = preopen.directory,
                    .preopen = preopen.guest_path});
  // Last, so that a guest which looks for the nearest name finds it even beside a preopen of the same name.
  if (config.stdin_file())
    (void)fds_.add({.kind = Descriptor::Kind::kInputDirectory,
                    .rights = directory_rights(Access::kReadOnly),
                    .inheriting = rights::kAll,
                    .preopen = kInputDirectory});
}

void Guest::live_on(LifeSink& sink, std::span<const HostFileRef> listeners) {
  life_ = &sink;
  for (const HostFileRef& listener : listeners)
    (void)fds_.add(
        {.kind = Descriptor::Kind::kListener, .rights = kListenerRights, .inheriting = rights::kAll, .host = listener});
}

void Guest::give_input(std::span<const std::string_view> pieces, InputEnd end) {
  input_.give(pieces, end);
  stderr_.restart();
}

bool Guest::reserve_output(uint64_t count) {
  uint64_t limit = limits().output.count;
  if (must_stop()) return false;
  if (count > limit || output_.size() > limit - count) {
    refusal_ = Refusal::kLimit;
    return false;
  }
  uint64_t size = output_.size() + count;
  return size <= paid_output_ || budget_ == nullptr || pay_for_output(size);
}

// Doubles it, as the string would, so that what is paid for is what the string has.
bool Guest::pay_for_output(uint64_t size) {
  uint64_t room = std::min(std::max(size, 2 * paid_output_), limits().output.count);
  if (!budget_->take(room - paid_output_)) {
    refusal_ = Refusal::kBudget;
    return false;
  }
  paid_output_ = room;
  output_.reserve(room);
  return true;
}

void Guest::give_back_budget() {
  if (paid_output_ != kFreeOutput.count) budget_->give_back(paid_output_ - kFreeOutput.count);
  paid_output_ = kFreeOutput.count;
}

}  // namespace fiso::wasm::wasi

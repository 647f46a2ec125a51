// A guest without an engine: a Guest, a vector for its memory, and calls by name.
//
// What a call leaves pending is done at once and in place: blocking work runs on the caller's thread. A wait for input or for
// a time stays in `parked` until resume(), and so does one for a socket.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/check.h"
#include "base/testing/manual_clock.h"
#include "wasm/wasi/host_calls.h"

namespace fiso::wasm::wasi::testing {

inline const HostFunction& host_function(std::string_view name) {
  auto all = host_functions();
  auto found = std::ranges::find(all, name, &HostFunction::name);
  FISO_CHECK(found != all.end(), name);
  return *found;
}

class CollectedLines final : public StderrSink {
 public:
  void line(std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class FakeGuest {
 public:
  static constexpr uint32_t kMemory = 4u << 20;
  static constexpr uint32_t kEnd = kMemory;

  explicit FakeGuest(GuestOptions options = {}, OutputBudget* budget = nullptr) : FakeGuest(open(std::move(options)), budget) {}
  explicit FakeGuest(std::shared_ptr<const GuestConfig> shared, OutputBudget* budget = nullptr)
      : config(std::move(shared)), guest(*config, clock, &errors, budget), bytes_(kMemory) {}

  static std::shared_ptr<const GuestConfig> open(GuestOptions options) {
    auto config = GuestConfig::open(std::move(options));
    FISO_CHECK(config.has_value(), config.error().describe());
    return *config;
  }

  GuestMemory memory() { return {bytes_.data(), bytes_.size()}; }

  // Room in guest memory that nothing else uses, 8-aligned; starts again when all is used up.
  GuestPointer room(uint32_t size) {
    uint32_t rounded = (size + 7) & ~7u;
    if (next_ + rounded > kMemory) next_ = 8;
    FISO_CHECK(next_ + rounded <= kMemory, "fake memory is too small");
    return std::exchange(next_, next_ + rounded);
  }
  GuestPointer put(std::string_view text) {
    GuestPointer at = room(static_cast<uint32_t>(text.size()));
    FISO_CHECK(memory().write(at, text));
    return at;
  }
  template <class T>
  T get(uint64_t at) {
    return memory().read<T>(at).value();
  }
  std::string text(uint64_t at, uint64_t length) { return std::string(memory().view(at, length).value()); }
  template <class T>
  void set(uint64_t at, T value) {
    FISO_CHECK(memory().write(at, value));
  }

  // iovecs of these (pointer, length) pairs.
  GuestPointer vectors(std::initializer_list<std::array<uint32_t, 2>> buffers) {
    GuestPointer list = room(static_cast<uint32_t>(buffers.size()) * iovec::kSize);
    uint32_t at = list;
    for (auto [pointer, length] : buffers) {
      set(at + iovec::kBuf, pointer);
      set(at + iovec::kLen, length);
      at += iovec::kSize;
    }
    return list;
  }

  // The bare call.
  Outcome start(std::string_view name, std::vector<uint64_t> args) {
    const HostFunction& function = host_function(name);
    FISO_CHECK(function.parameters.size() == args.size(), name);
    Outcome outcome = function.call(guest, memory(), Args(args.data()));
    if (outcome.pending()) FISO_CHECK(function.may_wait(!guest.has_input(), config->has_files(), guest.life() != nullptr), name);
    return outcome;
  }

  // Calls, and does what may block; a call that waits for something else is in `parked` then, and the answer kAgain.
  Errno call(std::string_view name, std::vector<uint64_t> args) {
    Outcome outcome = start(name, std::move(args));
    if (!outcome.pending()) return static_cast<Errno>(outcome.error_number());
    parked = outcome.take_pending();
    if (parked->kind() == PendingCall::Kind::kTurns) return take_all_turns();
    if (parked->kind() != PendingCall::Kind::kBlocking) return Errno::kAgain;
    parked->run();
    return resume();
  }

  Errno resume() {
    if (parked->kind() == PendingCall::Kind::kReady && !parked->step(guest, memory())) return Errno::kAgain;
    std::unique_ptr<PendingCall> call = std::move(parked);
    return static_cast<Errno>(call->finish(guest, memory()));
  }

  Errno take_all_turns() {
    for (turns = 1; !parked->step(guest, memory()); ++turns) continue;
    return resume();
  }

  // ---- frequent calls in words

  Errno write(Fd fd, std::string_view bytes) {
    GuestPointer list = vectors({{put(bytes), static_cast<uint32_t>(bytes.size())}});
    return call("fd_write", {fd, list, 1, room(4)});
  }

  struct Read {
    Errno error;
    std::string bytes;
    bool operator==(const Read&) const = default;
  };
  Read read(Fd fd, uint32_t most = 4096) {
    GuestPointer buffer = room(most), count = room(4);
    Errno error = call("fd_read", {fd, vectors({{buffer, most}}), 1, count});
    return {error, error == Errno::kSuccess ? text(buffer, get<uint32_t>(count)) : ""};
  }

  struct Open {
    Rights rights = rights::kFdRead;
    uint16_t oflags = 0;
    uint16_t fdflags = 0;
    uint32_t lookup = lookupflags::kSymlinkFollow;
  };
  Errno open_path(Fd directory, std::string_view path, Open how, Fd* opened = nullptr) {
    GuestPointer result = room(4);
    Errno error = call(
        "path_open", {directory, how.lookup, put(path), path.size(), how.oflags, how.rights, rights::kAll, how.fdflags, result});
    if (opened != nullptr && error == Errno::kSuccess) *opened = get<uint32_t>(result);
    return error;
  }

  ::fiso::testing::ManualClock clock;
  CollectedLines errors;
  std::shared_ptr<const GuestConfig> config;
  Guest guest;
  std::unique_ptr<PendingCall> parked;
  int turns = 0;  // of the last call that took some

 private:
  std::vector<uint8_t> bytes_;
  uint32_t next_ = 8;
};

}  // namespace fiso::wasm::wasi::testing

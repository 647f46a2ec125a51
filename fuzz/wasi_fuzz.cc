// Whatever a guest calls, with whatever arguments and memory: nothing outside of its memory and its directories is touched.
//
// An input is a list of steps: a byte picks the function (or new input for the guest), then one byte per argument says how to
// read the argument from what follows. The rest of the input, repeated, is what memory starts with.
#include <sys/resource.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "wasm/wasi/testing/fake_guest.h"
#include "wasm/wasi/testing/scratch_directory.h"

namespace {

namespace wasi = fiso::wasm::wasi;
using wasi::Errno;

constexpr uint32_t kMemory = 1u << 16;
constexpr int kMostSteps = 64;
constexpr std::array<std::string_view, 3> kPieces{"{\"order\":", "", "17}\n"};

class Script {
 public:
  Script(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool done() const { return at_ >= size_; }
  uint8_t byte() { return done() ? 0 : data_[at_++]; }
  uint64_t number(int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= uint64_t{byte()} << (8 * i);
    return value;
  }
  // Small numbers are descriptors, flags and lengths; two bytes are addresses; the rest is near the end, or anything.
  uint64_t argument() {
    uint8_t how = byte();
    switch (how & 3) {
      case 0: return how >> 2;
      case 1: return number(2);
      case 2: return kMemory - (how >> 2);
      default: return number(8);
    }
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

struct Host {
  Host() {
    // A guest's file must not fill the disk of whoever fuzzes.
    rlimit limit{.rlim_cur = 1u << 20, .rlim_max = 1u << 20};
    FISO_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    std::signal(SIGXFSZ, SIG_IGN);
    scratch.make_directory("outside");
    scratch.write("outside/secret", "secret");
    scratch.make_directory("ro");
    scratch.write("ro/fixed", "fixed");
  }
  void reset() const {
    std::filesystem::remove_all(scratch.root() / "rw");
    scratch.make_directory("rw/d");
    scratch.write("rw/f", "content");
    scratch.symlink("../outside", "rw/o");
  }
  void check() const {
    FISO_CHECK(scratch.read("outside/secret") == "secret" && scratch.read("ro/fixed") == "fixed");
    for (const char* name : {"outside", "ro"}) {
      auto entries = std::filesystem::directory_iterator(scratch.root() / name);
      FISO_CHECK(std::distance(begin(entries), end(entries)) == 1, name);
    }
  }
  wasi::testing::ScratchDirectory scratch;
};

std::shared_ptr<const wasi::GuestConfig> open_config(const Host& host) {
  return *wasi::GuestConfig::open({.args = {"guest", "--stdin-file", std::string(wasi::kInputFilePath)},
                                   .env = {{"A", "b"}},
                                   .preopens = {{"/rw", host.scratch.path("rw"), wasi::Access::kReadWrite},
                                                {"/ro", host.scratch.path("ro"), wasi::Access::kReadOnly}},
                                   .limits = {.output = fiso::Bytes{1u << 16}, .fds = 16},
                                   .stdin_file = true});
}

void step(Script& script, wasi::Guest& guest, wasi::GuestMemory memory, fiso::testing::ManualClock& clock) {
  uint8_t choice = script.byte();
  if (choice >= 250) return guest.give_input(kPieces, choice % 2 == 0 ? wasi::InputEnd::kEof : wasi::InputEnd::kMoreLater);
  const wasi::HostFunction& function = wasi::host_functions()[choice % wasi::host_functions().size()];
  std::array<uint64_t, 9> args{};
  for (size_t i = 0; i < function.parameters.size(); ++i) args[i] = script.argument();
  wasi::Outcome outcome = function.call(guest, memory, wasi::Args(args.data()));
  if (!outcome.pending()) return;
  FISO_CHECK(function.may_wait(!guest.has_input(), true, false), function.name);
  std::unique_ptr<wasi::PendingCall> call = outcome.take_pending();
  if (call->kind() == wasi::PendingCall::Kind::kBlocking) call->run();
  if (call->kind() == wasi::PendingCall::Kind::kInput) guest.give_input(kPieces, wasi::InputEnd::kEof);
  clock.advance(std::chrono::seconds(1));
  FISO_CHECK(call->finish(guest, memory) <= static_cast<int32_t>(Errno::kNotcapable));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Host host;
  if (size == 0) return 0;
  host.reset();
  auto config = open_config(host);
  fiso::testing::ManualClock clock;
  wasi::testing::CollectedLines lines;
  wasi::Guest guest(*config, clock, &lines);
  // Exactly as large as it says, so that a step outside is seen.
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[kMemory]);
  for (size_t at = 0; at < kMemory; at += size) std::memcpy(bytes.get() + at, data, std::min<size_t>(size, kMemory - at));

  Script script(data, size);
  for (int i = 0; i < kMostSteps && !script.done() && !guest.exit_code(); ++i) step(script, guest, {bytes.get(), kMemory}, clock);
  guest.flush_stderr();
  FISO_CHECK(guest.output().size() <= config->limits().output.count);
  for (const std::string& line : lines.lines) FISO_CHECK(line.find('\x1b') == std::string::npos);
  host.check();
  return 0;
}

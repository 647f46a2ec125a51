// An engine without WebAssembly: guests are functions of the test.
//
// It keeps the contract of engine.h (outcomes, deadlines, parking, several runs of one instance), so whatever uses instances
// can be tested with it, under ThreadSanitizer too. A module is a FakeProgram that was registered under its path; the names of
// the guests that the contract suite runs are known already (see fake_guests.cc), by file name, whatever the folder.
//
// Threading: add() before the first load(); the rest as engine.h says. Programs run on the shards of their instances.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "wasm/engine.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::wasm::testing {

// What a fake guest knows of its run.
struct FakeCall {
  std::string_view input;  // all of it, or one line; valid until the call has completed
  MonotonicTime deadline;
  int64_t served = 0;                        // calls of this instance before
  const bool* stopped = nullptr;             // becomes true when the guest is to end at once
  wasi::StderrSink* stderr_lines = nullptr;  // may be null
};

// What it did with it. Anything but kOk ends the guest.
using FakeServe = std::function<Task<RunResult>(FakeCall call)>;

// kNever: the guest runs to its end in its first run and cannot be parked. kToEnd: it reads all of its input, answers and
// ends. kLines: it answers each line, and ends when its input does.
enum class FakeReads { kNever, kToEnd, kLines };

struct FakeProgram {
  FakeReads reads = FakeReads::kToEnd;
  FakeServe serve;
  // Start-up, before the first input is read; none if empty. Its result's outcome, other than kOk, ends the guest.
  FakeServe start_up;
  Bytes initial_memory = 64_KiB;
  // Makes a resident; a program without does not live on.
  std::function<Result<std::unique_ptr<Resident>>(const GuestSetup& setup, ResidentEvents& events)> resident = {};
  // While it is true, those that wait for input are dead. May be null; outlives the instances.
  const std::atomic<bool>* parked_are_dead = nullptr;
};

// Building blocks for programs.
FakeServe answers(std::string output);
FakeServe echoes();
FakeServe ends_with(RunResult result);
FakeServe runs_until_its_deadline();

class FakeEngine final : public Engine {
 public:
  FakeEngine();
  void add(const std::string& path, FakeProgram program);

  Result<std::shared_ptr<const Module>> load(const std::string& path) override;

  // Instances that exist, and that were ever made, of all modules.
  int64_t alive() const { return counts_->alive.load(); }
  int64_t made() const { return counts_->made.load(); }

  struct Counts {
    std::atomic<int64_t> alive{0};
    std::atomic<int64_t> made{0};
  };

 private:
  std::map<std::string, std::shared_ptr<const FakeProgram>> programs_;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

// The programs behind the guests' names, as far as they can be faked.
std::map<std::string, FakeProgram> fake_guests();

}  // namespace fiso::wasm::testing

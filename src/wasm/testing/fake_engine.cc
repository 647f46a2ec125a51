#include "wasm/testing/fake_engine.h"

#include <boost/asio/post.hpp>
#include <filesystem>
#include <utility>

#include "base/check.h"

namespace fiso::wasm::testing {
namespace {

MonotonicTime now() { return std::chrono::steady_clock::now(); }

class FakeInstance final : public Instance {
 public:
  FakeInstance(std::shared_ptr<const FakeProgram> program, std::shared_ptr<const GuestSetup> setup,
               std::shared_ptr<FakeEngine::Counts> counts)
      : program_(std::move(program)), setup_(std::move(setup)), counts_(std::move(counts)) {
    ++counts_->alive;
    ++counts_->made;
  }
  ~FakeInstance() override { --counts_->alive; }

  Task<RunResult> park(wasi::StderrSink* stderr_lines) override;
  Task<RunResult> run(const RunRequest& request, AfterInput after) override;
  void stop() override { stopped_ = true; }
  Bytes memory() const override { return program_->initial_memory; }
  bool waiting() const override { return phase_ == Phase::kWaiting && !is_dead(); }

 private:
  enum class Phase { kNew, kWaiting, kEnded };

  bool is_dead() const { return program_->parked_are_dead != nullptr && program_->parked_are_dead->load(); }
  Task<RunResult> start(MonotonicTime deadline);
  Task<RunResult> serve(std::string_view input, MonotonicTime deadline);
  Task<RunResult> serve_lines(std::string_view input, MonotonicTime deadline);

  std::shared_ptr<const FakeProgram> program_;
  std::shared_ptr<const GuestSetup> setup_;
  std::shared_ptr<FakeEngine::Counts> counts_;
  Phase phase_ = Phase::kNew;
  int64_t served_ = 0;
  bool stopped_ = false;
  wasi::StderrSink* stderr_lines_ = nullptr;  // of what is under way
};

class FakeModule final : public Module, public std::enable_shared_from_this<FakeModule> {
 public:
  FakeModule(std::shared_ptr<const FakeProgram> program, std::shared_ptr<FakeEngine::Counts> counts)
      : program_(std::move(program)), counts_(std::move(counts)) {}
  Result<std::shared_ptr<const Module>> prepare(const std::shared_ptr<const GuestSetup>&) const override {
    return std::shared_ptr<const Module>(shared_from_this());
  }
  std::unique_ptr<Instance> instantiate(async::Shard&, std::shared_ptr<const GuestSetup> setup) const override {
    return std::make_unique<FakeInstance>(program_, std::move(setup), counts_);
  }
  Task<Result<std::unique_ptr<Resident>>> start_resident(async::Shard&, std::shared_ptr<const GuestSetup> setup,
                                                         ResidentEvents& events) const override {
    if (!program_->resident) co_return Error(ErrorCode::kInvalidConfig, "this program does not live on");
    co_return program_->resident(*setup, events);
  }
  Bytes initial_memory() const override { return program_->initial_memory; }
  bool knows_stdin_file() const override { return false; }

 private:
  std::shared_ptr<const FakeProgram> program_;
  std::shared_ptr<FakeEngine::Counts> counts_;
};

Task<RunResult> FakeInstance::start(MonotonicTime deadline) {
  if (!program_->start_up) co_return RunResult{};
  co_return co_await program_->start_up({.deadline = deadline, .stopped = &stopped_, .stderr_lines = stderr_lines_});
}

Task<RunResult> FakeInstance::park(wasi::StderrSink* stderr_lines) {
  FISO_CHECK(phase_ == Phase::kNew && setup_->may_park);
  stopped_ = false;
  stderr_lines_ = stderr_lines;
  MonotonicTime deadline = now() + setup_->limits.timeout;
  phase_ = Phase::kEnded;
  RunResult result = co_await start(deadline);
  if (result.outcome != Outcome::kOk) co_return result;
  if (program_->reads == FakeReads::kNever) co_return co_await serve("", deadline);
  phase_ = Phase::kWaiting;
  co_return RunResult{};
}

Task<RunResult> FakeInstance::run(const RunRequest& request, AfterInput after) {
  FISO_CHECK(phase_ != Phase::kEnded, "a guest that has ended is run again");
  stopped_ = false;
  stderr_lines_ = request.stderr_lines;
  MonotonicTime deadline = request.deadline.value_or(now() + setup_->limits.timeout);
  std::string input;
  for (std::string_view piece : request.input) input += piece;
  if (std::exchange(phase_, Phase::kEnded) == Phase::kNew) {
    RunResult started = co_await start(deadline);
    if (started.outcome != Outcome::kOk) co_return started;
  }
  if (program_->reads != FakeReads::kLines) co_return co_await serve(input, deadline);
  RunResult result = co_await serve_lines(input, deadline);
  bool waits = result.outcome == Outcome::kOk && after == AfterInput::kMore && !result.output.empty();
  if (waits) phase_ = Phase::kWaiting;
  co_return result;
}

Task<RunResult> FakeInstance::serve_lines(std::string_view input, MonotonicTime deadline) {
  RunResult all;
  while (!input.empty()) {
    size_t length = std::min(input.find('\n'), input.size());
    RunResult one = co_await serve(input.substr(0, length), deadline);
    one.output.insert(0, all.output);
    all = std::move(one);
    if (all.outcome != Outcome::kOk) break;
    all.output += '\n';
    input.remove_prefix(std::min(length + 1, input.size()));
  }
  co_return all;
}

Task<RunResult> FakeInstance::serve(std::string_view input, MonotonicTime deadline) {
  RunResult result = co_await program_->serve(
      {.input = input, .deadline = deadline, .served = served_++, .stopped = &stopped_, .stderr_lines = stderr_lines_});
  if (result.output.size() > setup_->limits.output.count) result.outcome = Outcome::kOutput;
  co_return result;
}

}  // namespace

FakeServe answers(std::string output) { return ends_with({.output = std::move(output)}); }

FakeServe echoes() {
  return [](FakeCall call) -> Task<RunResult> { co_return RunResult{.output = std::string(call.input)}; };
}

FakeServe ends_with(RunResult result) {
  return [result = std::move(result)](FakeCall) -> Task<RunResult> { co_return result; };
}

FakeServe runs_until_its_deadline() {
  return [](FakeCall call) -> Task<RunResult> {
    while (now() < call.deadline && !*call.stopped) co_await asio::post(async::Shard::current().executor(), async::kTask);
    co_return RunResult{.outcome = Outcome::kTimeout};
  };
}

FakeEngine::FakeEngine() {
  for (auto& [name, program] : fake_guests()) add(name, std::move(program));
}

void FakeEngine::add(const std::string& path, FakeProgram program) {
  FISO_CHECK(program.serve != nullptr, path);
  programs_[path] = std::make_shared<const FakeProgram>(std::move(program));
}

Result<std::shared_ptr<const Module>> FakeEngine::load(const std::string& path) {
  auto found = programs_.find(path);
  if (found == programs_.end()) found = programs_.find(std::filesystem::path(path).stem().string());
  if (found == programs_.end()) return Error(ErrorCode::kNotFound, "module path not accessible: " + path + " (it is not faked)");
  return std::shared_ptr<const Module>(std::make_shared<FakeModule>(found->second, counts_));
}

}  // namespace fiso::wasm::testing

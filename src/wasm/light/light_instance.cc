#include "wasm/light/light_instance.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/check.h"
#include "wasm/light/light_engine.h"

namespace fiso::wasm::light {
namespace {

constexpr std::chrono::milliseconds kSlice{1};
constexpr size_t kTableElements = 100'000;
constexpr MonotonicTime kStopped = MonotonicTime::min();

std::string_view trap_name(wasmtime_trap_code_t code) {
  switch (code) {
    case WASMTIME_TRAP_CODE_STACK_OVERFLOW: return "call stack exhausted";
    case WASMTIME_TRAP_CODE_MEMORY_OUT_OF_BOUNDS: return "out of bounds memory access";
    case WASMTIME_TRAP_CODE_HEAP_MISALIGNED: return "misaligned memory access";
    case WASMTIME_TRAP_CODE_TABLE_OUT_OF_BOUNDS: return "out of bounds table access";
    case WASMTIME_TRAP_CODE_INDIRECT_CALL_TO_NULL: return "uninitialized table element";
    case WASMTIME_TRAP_CODE_BAD_SIGNATURE: return "indirect call type mismatch";
    case WASMTIME_TRAP_CODE_INTEGER_OVERFLOW: return "integer overflow";
    case WASMTIME_TRAP_CODE_INTEGER_DIVISION_BY_ZERO: return "integer divide by zero";
    case WASMTIME_TRAP_CODE_BAD_CONVERSION_TO_INTEGER: return "invalid conversion to integer";
    case WASMTIME_TRAP_CODE_UNREACHABLE_CODE_REACHED: return "unreachable";
    default: return "other trap";
  }
}

MonotonicTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

LightInstance::LightInstance(async::Shard& shard, std::shared_ptr<const LightModule> module,
                             std::shared_ptr<const GuestSetup> setup)
    : shard_(shard),
      module_(std::move(module)),
      setup_(std::move(setup)),
      host_{wasi::Guest(*setup_->wasi, Clock::system(), &stderr_, this)} {}

// The future first: deleting it unwinds a suspended guest while its store still exists.
LightInstance::~LightInstance() {
  future_.reset();
  if (trap_ != nullptr) wasm_trap_delete(trap_);
  if (error_ != nullptr) wasmtime_error_delete(error_);
  store_.reset();
  set_memory(0);
  if (charged_ != 0) give_back(charged_);
}

Task<RunResult> LightInstance::park(wasi::StderrSink* stderr_lines) {
  FISO_CHECK(phase_ == Phase::kNew && setup_->may_park);
  MonotonicTime time = now();
  deadline_ = time + setup_->limits.timeout;
  stderr_.target = stderr_lines;
  begin();
  co_await drive(time);
  host_.guest.flush_stderr();
  stderr_.target = nullptr;
  if (phase_ == Phase::kWaiting) co_return RunResult{};
  co_return conclude();
}

Task<RunResult> LightInstance::run(const RunRequest& request, AfterInput after) {
  FISO_CHECK(phase_ == Phase::kNew || phase_ == Phase::kWaiting);
  MonotonicTime time = now();
  deadline_ = request.deadline.value_or(time + setup_->limits.timeout);
  stderr_.target = request.stderr_lines;
  host_.guest.give_input(request.input, after == AfterInput::kMore ? wasi::InputEnd::kMoreLater : wasi::InputEnd::kEof);
  in_run_ = true;
  if (phase_ == Phase::kNew) begin();
  co_await drive(time);
  if (phase_ == Phase::kWaiting && !has_answered()) {
    host_.guest.end_input();  // it reads to the end before it answers
    co_await drive(now());
  }
  RunResult result = phase_ == Phase::kWaiting ? RunResult{.output = host_.guest.take_output()} : conclude();
  in_run_ = false;
  own_memory_refused_ = shared_memory_refused_ = false;  // a later run fails for reasons of its own
  host_.guest.flush_stderr();
  stderr_.target = nullptr;
  co_return result;
}

Task<RunResult> LightInstance::live(Keeper& keeper, DescriptorWatch& watch, std::vector<wasi::HostFileRef> listeners) {
  FISO_CHECK(phase_ == Phase::kNew);
  keeper_ = &keeper;
  watch_ = &watch;
  host_.guest.live_on(keeper, std::exchange(listeners, {}));
  in_run_ = true;
  begin();
  co_await drive(now());
  in_run_ = false;
  co_return conclude();
}

void LightInstance::add_input(std::string text) {
  host_.guest.add_input(std::move(text));
  if (wakes_it_ != nullptr) wakes_it_->set();
}

void LightInstance::end_input() {
  host_.guest.end_input();
  if (wakes_it_ != nullptr) wakes_it_->set();
}

void LightInstance::stop() {
  deadline_ = kStopped;
  if (wakes_it_ != nullptr) wakes_it_->set();
}

void LightInstance::begin() {
  store_.reset(wasmtime_store_new(module_->wasmtime(), &host_, nullptr));
  fiso_store_limiter(store_.get(), this, may_grow, kTableElements);
  wasmtime_store_epoch_deadline_callback(store_.get(), on_epoch, this, nullptr);
  wasmtime_context_t* context = wasmtime_store_context(store_.get());
  wasmtime_context_set_epoch_deadline(context, 1);
  WaitingFunctions waiting{.input = setup_->may_park, .files = setup_->wasi->has_files(), .lives_on = keeper_ != nullptr};
  future_.reset(wasmtime_instance_pre_instantiate_async(module_->pre(waiting), context, &instance_, &trap_, &error_));
  phase_ = Phase::kInstantiating;
}

void LightInstance::begin_start() {
  future_.reset();
  wasmtime_context_t* context = wasmtime_store_context(store_.get());
  wasmtime_extern_t exported;
  if (wasmtime_instance_export_get(context, &instance_, "memory", 6, &exported)) host_.memory = exported.of.memory;
  bool found = wasmtime_instance_export_get(context, &instance_, "_start", 6, &exported);
  FISO_CHECK(found && exported.kind == WASMTIME_EXTERN_FUNC, "LightModule::inspect has seen it");
  start_ = exported.of.func;
  future_.reset(wasmtime_func_call_async(context, &start_, nullptr, 0, nullptr, 0, &trap_, &error_));
  phase_ = Phase::kRunning;
}

Task<> LightInstance::drive(MonotonicTime time) {
  if (phase_ == Phase::kWaiting) phase_ = Phase::kRunning;
  if (host_.pending) host_.pending_done = true;  // it was waiting for the input that it has now
  for (;; time = now()) {
    if (time >= deadline_) timed_out_ = true;
    if (timed_out_) break;
    if (poll_slice(time)) {
      if (phase_ == Phase::kRunning || trap_ != nullptr || error_ != nullptr) break;
      begin_start();
    } else if (!host_.pending || host_.pending->kind() == wasi::PendingCall::Kind::kTurns) {
      host_.pending_done = host_.pending != nullptr;
      co_await asio::post(shard_.executor(), async::kTask);  // end of the slice: the others' turn
    } else if (keeper_ == nullptr && host_.pending->kind() == wasi::PendingCall::Kind::kInput && !waits_for_its_own_timer()) {
      phase_ = Phase::kWaiting;
      co_return;
    } else if (!co_await await_pending()) {
      timed_out_ = true;
    }
  }
  phase_ = Phase::kEnded;
}

// A Go guest reads its input in one goroutine while another, still at work on the answer, sleeps.
bool LightInstance::waits_for_its_own_timer() const { return in_run_ && host_.pending->until() != kNever && !has_answered(); }

// Of guests that loop over lines: half a line is not an answer.
bool LightInstance::has_answered() const { return host_.guest.output().ends_with('\n'); }

bool LightInstance::poll_slice(MonotonicTime time) {
  due_ = std::min(time + kSlice, deadline_);
  Ticker& ticker = module_->engine().ticker();
  ticker.arm(shard_.index(), due_);
  bool ready = wasmtime_call_future_poll(future_.get());
  ticker.disarm(shard_.index());
  if (setup_->cpu != nullptr) setup_->cpu->increment(now() - time);
  return ready;
}

Task<bool> LightInstance::await_pending() {
  using Kind = wasi::PendingCall::Kind;
  if (host_.pending->kind() == Kind::kBlocking) co_return co_await run_blocking();
  if (keeper_ != nullptr && host_.pending->kind() != Kind::kSleep) co_return co_await await_ready();
  MonotonicTime until = host_.pending->until();
  co_await sleep_until(std::min(until, deadline_));
  host_.pending_done = true;
  co_return until <= deadline_;
}

Task<bool> LightInstance::await_ready() {
  wasi::PendingCall& call = *host_.pending;
  async::Signal woken(shard_.executor());
  wakes_it_ = &woken;
  if (!call.wants_input() || !host_.guest.has_input()) {
    if (call.wants_input()) keeper_->waits_for_input();
    watch_->arm(call.watched(), woken);
    co_await woken.wait(std::min(call.until(), deadline_));
    watch_->disarm();
  }
  wakes_it_ = nullptr;
  bool needs_input = call.kind() == wasi::PendingCall::Kind::kInput;
  host_.pending_done = !needs_input || host_.guest.has_input() || now() >= call.until();
  co_return deadline_ != kStopped;
}

Task<> LightInstance::sleep_until(MonotonicTime time) {
  async::Signal stopped(shard_.executor());
  wakes_it_ = &stopped;
  co_await stopped.wait(time);
  wakes_it_ = nullptr;
}

Task<bool> LightInstance::run_blocking() {
  // Shared with the thread that runs it: when the deadline comes first, this guest goes and the call is still finished there.
  struct Job {
    explicit Job(async::Executor executor) : done(executor) {}
    std::unique_ptr<wasi::PendingCall> call;
    async::Signal done;
  };
  auto job = std::make_shared<Job>(shard_.executor());
  job->call = std::move(host_.pending);
  auto work = [job, &shard = shard_]() mutable {
    job->call->run();
    shard.post([job = std::move(job)] { job->done.set(); });
  };
  while (!module_->engine().blocking().submit(work)) {
    if (now() >= deadline_) co_return false;
    co_await sleep_until(now() + kSlice);
  }
  wakes_it_ = &job->done;
  bool done = co_await job->done.wait(deadline_);
  wakes_it_ = nullptr;
  if (!done || deadline_ == kStopped) co_return false;
  host_.pending = std::move(job->call);
  host_.pending_done = true;
  co_return true;
}

RunResult LightInstance::conclude() {
  std::optional<uint32_t> code = host_.guest.exit_code();
  bool returned = trap_ == nullptr && error_ == nullptr;
  bool good = !timed_out_ && !host_.guest.must_stop() && (code.has_value() ? *code == 0 : returned);
  if (good) return RunResult{.output = host_.guest.take_output()};
  return conclude_failure();
}

RunResult LightInstance::conclude_failure() {
  RunResult result;
  result.output = host_.guest.take_output();
  result.exit_code = host_.guest.exit_code().value_or(0);
  if (timed_out_) {
    result.outcome = Outcome::kTimeout;
  } else if (host_.guest.output_overflowed()) {
    result.outcome = Outcome::kOutput;
  } else if (shared_memory_refused_ || host_.guest.output_unaffordable()) {
    result.outcome = Outcome::kExhausted;
  } else if (own_memory_refused_) {
    result.outcome = Outcome::kMemory;
  } else if (host_.guest.exit_code().has_value()) {
    result.outcome = Outcome::kExit;
  } else if (trap_ != nullptr) {
    wasmtime_trap_code_t code = 0;
    result.outcome = Outcome::kTrap;
    result.detail = wasmtime_trap_code(trap_, &code) ? trap_name(code) : "other trap";
  } else {
    result.outcome = Outcome::kBadStart;
    result.detail = take_message(std::exchange(error_, nullptr));
  }
  return result;
}

void LightInstance::set_memory(uint64_t bytes) {
  if (setup_->memory_bytes != nullptr && bytes != memory_)
    setup_->memory_bytes->add(static_cast<double>(bytes) - static_cast<double>(memory_));
  memory_ = bytes;
}

bool LightInstance::take(uint64_t bytes) {
  Capacity& capacity = module_->engine().capacity();
  if (capacity.memory.take(bytes)) return true;
  // Too late for this guest, which cannot wait; and what is only being started ahead takes nothing from others.
  if (in_run_) capacity.reserves.make_room_soon({.bytes = bytes});
  return false;
}

void LightInstance::give_back(uint64_t bytes) { module_->engine().capacity().memory.give_back(bytes); }

bool LightInstance::may_grow(void* self, size_t current, size_t desired) {
  auto& instance = *static_cast<LightInstance*>(self);
  if (desired > instance.setup_->limits.memory.count) {
    instance.own_memory_refused_ = true;
    return false;
  }
  // The initial memory was charged by whoever asked for the instance.
  uint64_t charged_before = std::max<uint64_t>(current, instance.module_->initial_memory().count);
  uint64_t more = desired > charged_before ? desired - charged_before : 0;
  if (more != 0 && !instance.take(more)) {
    instance.shared_memory_refused_ = true;
    return false;
  }
  instance.charged_ += more;
  instance.set_memory(desired);
  return true;
}

// On the guest's stack, after a bump of the epoch. The next bump calls it again: a delta of one, always.
wasmtime_error_t* LightInstance::on_epoch(wasmtime_context_t*, void* self, uint64_t* delta,
                                          wasmtime_update_deadline_kind_t* kind) {
  auto& instance = *static_cast<LightInstance*>(self);
  MonotonicTime time = now();
  *delta = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  if (time >= instance.deadline_) {
    instance.timed_out_ = true;
    return wasmtime_error_new("deadline");
  }
  if (time >= instance.due_) *kind = WASMTIME_UPDATE_DEADLINE_YIELD;
  return nullptr;
}

}  // namespace fiso::wasm::light

#include "wasm/run.h"

#include "wasm/engine.h"

namespace fiso::wasm {
namespace {

// In the words of the guide, which has seconds: 60s, not 1m.
std::string in_seconds(Duration duration) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
  return seconds == duration ? std::to_string(seconds.count()) + "s" : format_duration(duration);
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: return "ok";
    case Outcome::kExit: return "exit";
    case Outcome::kTrap: return "trap";
    case Outcome::kTimeout: return "timeout";
    case Outcome::kMemory: return "memory";
    case Outcome::kExhausted: return "exhausted";
    case Outcome::kOutput: return "output";
    case Outcome::kBadStart: return "bad_start";
    case Outcome::kOverloaded: return "overloaded";
    case Outcome::kLate: return "late";
    case Outcome::kAbandoned: return "abandoned";
  }
  return "unknown";
}

Error to_error(const RunResult& result, const Limits& limits) {
  switch (result.outcome) {
    case Outcome::kExit:
      return Error(ErrorCode::kGuestExit, "module closed with exit_code(" + std::to_string(result.exit_code) + ")");
    case Outcome::kTrap: return Error(ErrorCode::kGuestTrap, "wasm trap: " + result.detail);
    case Outcome::kTimeout: return Error(ErrorCode::kTimeout, "wasm execution timeout after " + in_seconds(limits.timeout));
    case Outcome::kMemory:
      return Error(ErrorCode::kGuestLimit, "wasm memory limit of " + format_bytes(limits.memory) + " reached");
    case Outcome::kExhausted: return Error(ErrorCode::kOverloaded, "the memory for all wasm instances is used up");
    case Outcome::kOutput: return Error(ErrorCode::kGuestLimit, "wasm output is larger than " + format_bytes(limits.output));
    case Outcome::kBadStart: return Error(ErrorCode::kGuestTrap, "wasm module did not start: " + result.detail);
    case Outcome::kOverloaded: return Error(ErrorCode::kOverloaded, "no wasm instance is free");
    case Outcome::kLate: return Error(ErrorCode::kTimeout, "the time of the whole call is over");
    case Outcome::kAbandoned: return Error(ErrorCode::kCancelled, "the caller has gone");
    case Outcome::kOk: break;
  }
  return Error(ErrorCode::kInternal, "a run that went well has no error");
}

void RunHandle::stop() {
  stopped_ = true;
  if (instance_ != nullptr) instance_->stop();
}

bool RunHandle::begin(Instance& instance) {
  instance_ = &instance;
  return !stopped_;
}

}  // namespace fiso::wasm

// The fake engine's stand-ins for the guests of guests/README.md whose outcome does not depend on WebAssembly.
#include "async/signal.h"
#include "wasm/testing/fake_engine.h"

namespace fiso::wasm::testing {
namespace {

FakeServe traps(std::string detail) { return ends_with({.outcome = Outcome::kTrap, .detail = std::move(detail)}); }
FakeServe exits(uint32_t code) { return ends_with({.outcome = Outcome::kExit, .exit_code = code}); }

// The payload of an envelope that the tests made: what stands between the name of the member and the next member.
std::string_view payload_of(std::string_view envelope) {
  constexpr std::string_view kName = "{\"payload\":", kNext = ",\"headers\":";
  if (!envelope.starts_with(kName)) return "null";
  return envelope.substr(kName.size(), envelope.rfind(kNext) - kName.size());
}

RunResult answer(const std::string& payload) { return {.output = "{\"payload\":" + payload + ",\"headers\":{}}"}; }

Task<RunResult> pass_through(FakeCall call) { co_return answer(std::string(payload_of(call.input))); }

Task<RunResult> count_served(FakeCall call) { co_return answer("{\"served\":" + std::to_string(call.served + 1) + "}"); }

Task<RunResult> sleep_as_told(FakeCall call) {
  Duration duration = std::chrono::milliseconds(std::stoll(std::string(payload_of(call.input))));
  MonotonicTime until = std::chrono::steady_clock::now() + duration;
  co_await async::sleep_until(std::min(until, call.deadline));
  co_return until < call.deadline ? answer("{}") : RunResult{.outcome = Outcome::kTimeout};
}

}  // namespace

std::map<std::string, FakeProgram> fake_guests() {
  std::map<std::string, FakeProgram> guests;
  guests["passthrough"] = {.serve = pass_through};
  guests["ndjson"] = {.reads = FakeReads::kLines, .serve = count_served};
  guests["sleeper"] = {.serve = sleep_as_told};
  guests["never_reads_stdin"] = {.reads = FakeReads::kNever, .serve = answers("{\"read\":false}")};
  guests["empty_output"] = {.serve = answers("")};
  guests["not_json"] = {.serve = answers("this is not JSON\n")};
  guests["exit_0"] = {.reads = FakeReads::kNever, .serve = answers("")};
  for (uint32_t code : {1, 45, 129, 134, 139, 255})
    guests["exit_" + std::to_string(code)] = {.reads = FakeReads::kNever, .serve = exits(code)};
  guests["partial_then_exit"] = {.serve = exits(1)};
  guests["partial_then_trap"] = {.serve = traps("unreachable")};
  guests["trap_unreachable"] = {.reads = FakeReads::kNever, .serve = traps("unreachable")};
  guests["trap_start"] = {.serve = echoes(), .start_up = traps("unreachable")};
  guests["loop"] = {.reads = FakeReads::kNever, .serve = runs_until_its_deadline()};
  guests["loop_start"] = {.serve = echoes(), .start_up = runs_until_its_deadline()};
  guests["reads_then_hangs"] = {.serve = runs_until_its_deadline()};
  guests["stdout_gib"] = {.serve = ends_with({.outcome = Outcome::kOutput})};
  return guests;
}

}  // namespace fiso::wasm::testing

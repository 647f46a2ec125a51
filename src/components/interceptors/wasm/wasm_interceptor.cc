#include "components/interceptors/wasm/wasm_interceptor.h"

#include <utility>

#include "components/interceptors/wasm/envelope.h"

namespace fiso::interceptors {
namespace {

// Lines per interceptor, shard and second.
constexpr uint32_t kPassedLines = 5;
constexpr uint32_t kStderrLines = 100;

class StderrToLog final : public wasm::wasi::StderrSink {
 public:
  StderrToLog(observe::SampledLog& log, const core::Event& event) : stderr_log_(log), event_(event) {}
  void line(std::string_view text) override {
    stderr_log_.write("wasm stderr", {{"correlation_id", event_.correlation_id}, {"text", text}});
  }
  void denied(std::string_view attempt) override {
    stderr_log_.write("wasm network attempt denied", {{"correlation_id", event_.correlation_id}, {"attempt", attempt}});
  }

 private:
  observe::SampledLog& stderr_log_;
  const core::Event& event_;
};

}  // namespace

WasmInterceptor::WasmInterceptor(async::Shard& shard, wasm::Capacity& capacity, const Shared& shared)
    : shared_(shared),
      pool_(std::make_shared<wasm::InstancePool>(shard, capacity, shared.pool)),
      passed_log_(shared.log, observe::LogLevel::kWarn, kPassedLines),
      stderr_log_(shared.log, observe::LogLevel::kInfo, kStderrLines),
      answer_(shared.log, *shared.dropped_headers) {
  pool_->open(&start_stderr_);
}

WasmInterceptor::~WasmInterceptor() { pool_->close(); }

Task<Result<>> WasmInterceptor::process(core::Event& event) {
  auto done = co_await run_guest(event);
  if (done.has_value() || shared_.on_failure == OnFailure::kReject || !core::may_pass(done.error(), event)) co_return done;
  event.failure_passed = true;
  passed_log_.write("wasm interceptor failed, the event passes unchanged",
                    {{"correlation_id", event.correlation_id}, {"error", done.error().describe()}});
  co_return Result<>();
}

Task<Result<>> WasmInterceptor::run_guest(core::Event& event) {
  shared_.calls->increment();
  if (event.call == nullptr) {
    if (auto valid = json::validate(event.payload.view()); !valid.has_value()) {
      std::string message = "wasm marshal input: " + valid.error().message();
      co_return count(valid.take_error().with_message(std::move(message)), "input");
    }
  }
  const wasm::PoolShare& share = *shared_.pool;
  EnvelopeIn envelope(event.payload.view(), event.headers,
                      share.options.max_requests > 1 ? EnvelopeForm::kLine : EnvelopeForm::kPlain, event.call);
  StderrToLog stderr_lines(stderr_log_, event);
  wasm::RunRequest request{
      .input = envelope.pieces(), .stderr_lines = &stderr_lines, .latest = event.deadline, .caller = event.caller};
  MonotonicTime start = Clock::system().now();
  wasm::RunResult result = co_await pool_->run(request);
  shared_.seconds->observe(Clock::system().now() - start);
  if (result.outcome != wasm::Outcome::kOk)
    co_return count(wasm::to_error(result, share.setup->limits), wasm::to_string(result.outcome));
  bool is_silent = result.output.empty();
  auto applied = answer_.apply(event, std::move(result.output));
  if (!applied.has_value()) co_return count(applied.take_error(), is_silent ? "no_output" : "not_json");
  co_return applied;
}

Error WasmInterceptor::count(Error error, std::string_view kind) {
  shared_.series->counter("fiso_wasm_errors_total", "Guest calls that failed, by how.", {{"kind", kind}}).increment();
  return std::move(error).with_context("wasm module " + shared_.module);
}

}  // namespace fiso::interceptors

#include "components/interceptors/wasm/wasm_interceptor.h"

#include <utility>

#include "components/base64.h"
#include "components/header_rules.h"
#include "components/interceptors/wasm/envelope.h"
#include "json/text.h"

namespace fiso::interceptors {
namespace {

// Lines per interceptor, shard and second.
constexpr uint32_t kDroppedHeaderLines = 5;
constexpr uint32_t kPassedLines = 5;
constexpr uint32_t kStderrLines = 100;

// Did the guest leave it as it was given to it? Bytes that are not UTF-8 are replaced on the way in.
bool is_unchanged(const HeaderList& headers, HeaderList::Field field) {
  auto before = headers.find(field.name);
  if (!before.has_value() || *before == field.value) return before.has_value();
  std::string given;
  json::append_quoted(given, *before);
  return json::unquote(given).value_or("") == field.value;
}

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
      dropped_log_(shared.log, observe::LogLevel::kWarn, kDroppedHeaderLines),
      passed_log_(shared.log, observe::LogLevel::kWarn, kPassedLines),
      stderr_log_(shared.log, observe::LogLevel::kInfo, kStderrLines) {
  pool_->open(&start_stderr_);
}

WasmInterceptor::~WasmInterceptor() { pool_->close(); }

Task<Result<>> WasmInterceptor::process(core::Event& event) {
  auto done = co_await run_guest(event);
  if (done.has_value() || shared_.on_failure == OnFailure::kReject) co_return done;
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
  wasm::RunRequest request{.input = envelope.pieces(), .stderr_lines = &stderr_lines};
  MonotonicTime start = Clock::system().now();
  wasm::RunResult result = co_await pool_->run(request);
  shared_.seconds->observe(Clock::system().now() - start);
  if (result.outcome != wasm::Outcome::kOk)
    co_return count(wasm::to_error(result, share.setup->limits), wasm::to_string(result.outcome));
  co_return event.call == nullptr ? apply(event, std::move(result.output)) : apply_to_call(event, std::move(result.output));
}

Result<> WasmInterceptor::apply_to_call(core::Event& event, std::string output) {
  auto envelope = read_envelope(output, scratch_, EnvelopeOf::kCall);
  if (!envelope.has_value()) return count(envelope.take_error(), output.empty() ? "no_output" : "not_json");
  std::string body(envelope->payload == "null" ? std::string_view() : envelope->payload);
  if (envelope->payload_base64.has_value()) {
    auto text = json::unquote(*envelope->payload_base64);
    auto bytes = text.has_value() ? from_base64(*text) : std::nullopt;
    if (!bytes.has_value())
      return count(Error(ErrorCode::kGuestLimit, "wasm unmarshal output: payloadBase64 is not Base64"), "not_json");
    body = std::move(*bytes);
  }
  for (HeaderList::Field field : envelope->headers) take_header(event, field);
  for (const std::string& name : envelope->removed_headers)
    if (event.headers.contains(name) && may_change(event, {name, ""})) event.headers.remove(name);
  event.payload = core::Payload(std::move(body));
  return {};
}

Result<> WasmInterceptor::apply(core::Event& event, std::string output) {
  auto envelope = read_envelope(output, scratch_);
  if (!envelope.has_value()) return count(envelope.take_error(), output.empty() ? "no_output" : "not_json");
  for (HeaderList::Field field : envelope->headers) take_header(event, field);
  bool missing = envelope->payload.data() < output.data() || envelope->payload.data() >= output.data() + output.size();
  std::string_view payload = envelope->payload;
  event.payload = missing ? core::Payload(std::string(payload)) : core::Payload::slice_of(std::move(output), payload);
  return {};
}

void WasmInterceptor::take_header(core::Event& event, HeaderList::Field field) {
  if (is_unchanged(event.headers, field)) return;
  if (!may_change(event, field)) return;
  event.headers.set(field.name, field.value);
  if (event.call == nullptr) event.sink_headers.set(field.name, field.value);
}

bool WasmInterceptor::may_change(const core::Event& event, HeaderList::Field field) {
  bool reserved = event.call == nullptr ? is_reserved_header(field.name) : is_reserved_in_calls(field.name);
  if (is_header_name(field.name) && is_header_value(field.value) && !reserved) return true;
  shared_.dropped_headers->increment();
  dropped_log_.write("wasm header is not sent on", {{"header", field.name}, {"correlation_id", event.correlation_id}});
  return false;
}

Error WasmInterceptor::count(Error error, std::string_view kind) {
  shared_.series->counter("fiso_wasm_errors_total", "Guest calls that failed, by how.", {{"kind", kind}}).increment();
  return std::move(error).with_context("wasm module " + shared_.module);
}

}  // namespace fiso::interceptors

#include "apps/json_app.h"

#include <utility>

#include "apps/app_message.h"
#include "apps/failures.h"
#include "components/guest_checks.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::apps {
namespace {

// Per shard and second; what is beyond is counted in the next line.
constexpr uint32_t kFailedLines = 100;
constexpr uint32_t kStderrLines = 200;

class StderrToLog final : public wasm::wasi::StderrSink {
 public:
  explicit StderrToLog(observe::SampledLog& log) : stderr_log_(log) {}
  void line(std::string_view text) override { stderr_log_.write("app stderr", {{"text", text}}); }
  void denied(std::string_view attempt) override { stderr_log_.write("app network attempt denied", {{"attempt", attempt}}); }

 private:
  observe::SampledLog& stderr_log_;
};

}  // namespace

Result<std::unique_ptr<JsonAppShared>> prepare_json_app(const AppConfig& config, const GuestPlace& place,
                                                        std::shared_ptr<const wasm::Module> loaded, wasm::Capacity& capacity,
                                                        const observe::Log& log) {
  bool pooled = config.execution == Execution::kPooled;
  if (auto complaint = bad_pool_size(pooled ? config.pool_size : 0, capacity.instances.capacity()))
    return Error(ErrorCode::kInvalidConfig, std::move(*complaint));
  FISO_TRY(std::shared_ptr<const wasm::GuestSetup> setup, make_guest_setup(config, place, *loaded));
  auto module = loaded->prepare(setup);
  if (!module.has_value()) return module.take_error().with_context("module " + config.module);
  auto shared = std::make_unique<JsonAppShared>();
  shared->name = config.name;
  shared->log = log.with({{"app", config.name}});
  shared->traffic = TrafficMetrics(*place.series);
  auto& instances = place.series->gauge("fiso_app_instances", "Instances that exist, those started ahead included.");
  auto& parked = place.series->gauge("fiso_app_parked_instances", "Instances that wait for a request.");
  shared->pool = std::make_shared<wasm::PoolShare>(
      capacity, std::move(*module), std::move(setup),
      wasm::PoolOptions{.execution = pooled ? wasm::Execution::kPooled : wasm::Execution::kPerRequest,
                        .size = config.pool_size,
                        .max_requests = config.max_requests},
      instances, parked);
  return shared;
}

JsonApp::JsonApp(async::Shard& shard, wasm::Capacity& capacity, const JsonAppShared& shared)
    : shared_(shared),
      pool_(std::make_shared<wasm::InstancePool>(shard, capacity, shared.pool)),
      failed_log_(shared.log, observe::LogLevel::kError, kFailedLines),
      stderr_log_(shared.log, observe::LogLevel::kInfo, kStderrLines) {
  pool_->open();
}

JsonApp::~JsonApp() { pool_->close(); }

Task<net::HttpResponse> JsonApp::call(net::HttpRequest& request) {
  MonotonicTime start = Clock::system().now();
  auto answered = co_await answer(request, {.caller = request.caller});
  if (!answered.has_value() && answered.error().code() == ErrorCode::kCancelled)
    co_return to_response(answered.error());  // nobody is there to be answered
  if (!answered.has_value()) failed_log_.write("app request failed", {{"error", answered.error().describe()}});
  net::HttpResponse response = answered.has_value() ? std::move(*answered) : to_response(answered.error());
  shared_.traffic.note(response.status, Clock::system().now() - start);
  co_return response;
}

Task<Result<AppReply>> JsonApp::ask(const AppCall& call) {
  MonotonicTime start = Clock::system().now();
  std::string input = call.envelope();
  auto output = co_await run(input, {.caller = call.caller, .latest = call.deadline});
  if (!output.has_value() && output.error().code() == ErrorCode::kCancelled) co_return output.take_error();
  shared_.traffic.note(output.has_value() ? 200 : status_of(output.error()), Clock::system().now() - start);
  if (!output.has_value()) co_return output.take_error();
  co_return AppReply{.text = std::move(*output)};
}

Task<int> JsonApp::probe(net::HttpRequest& request, MonotonicTime deadline) {
  auto answered = co_await answer(request, {.deadline = deadline, .handle = &probe_});
  co_return answered.has_value() ? answered->status : 503;
}

void JsonApp::stop_probe() { probe_.stop(); }

Task<Result<net::HttpResponse>> JsonApp::answer(net::HttpRequest& request, Terms terms) {
  FISO_CO_TRY(std::string input, to_app_request(request));
  FISO_CO_TRY(std::string output, co_await run(input, terms));
  auto response = read_app_response(output);
  if (!response.has_value()) co_return in_words_of_decoding(response.take_error());
  co_return response;
}

Task<Result<std::string>> JsonApp::run(std::string_view input, Terms terms) {
  StderrToLog errors(stderr_log_);
  wasm::RunResult result = co_await pool_->run({.input = {&input, 1},
                                                .stderr_lines = &errors,
                                                .deadline = terms.deadline,
                                                .latest = terms.latest,
                                                .handle = terms.handle,
                                                .caller = terms.caller});
  if (result.outcome != wasm::Outcome::kOk) co_return in_words_of_execution(wasm::to_error(result, shared_.pool->setup->limits));
  co_return std::move(result.output);
}

}  // namespace fiso::apps

// Runs each event through a WebAssembly guest: JSON envelope in, JSON envelope out.
//
// The guest sees the payload and the headers; what it writes becomes the payload, and headers that it added or changed go on
// to the next interceptor and to the sink, if they are fit for it (components/header_rules.h). A guest that fails rejects the
// event, unless `failOpen` lets the event pass as it was. Of a call to a target the guest sees the body and the headers, may set,
// replace and remove headers, and what it writes becomes the body.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/guest_network.h"
#include "components/interceptors/wasm/envelope_answer.h"
#include "core/component.h"
#include "observe/sampled_log.h"
#include "wasm/instance_pool.h"
#include "wasm/runtimes.h"
#include "wasm/wasi/stderr_lines.h"

namespace fiso::interceptors {

class WasmInterceptor final : public core::Interceptor {
 public:
  static constexpr std::string_view kType = "wasm";

  enum class Input { kAuto, kStdin, kStdinFile };
  enum class OnFailure { kReject, kPass };
  struct Config {
    std::string module;
    wasm::Runtime runtime = wasm::Runtime::kLight;
    std::optional<GuestNetwork> network;
    int64_t threads = 16;
    wasm::Execution execution = wasm::Execution::kPerRequest;
    int64_t pool_size = 4;
    int64_t max_requests = 1;
    Input input = Input::kAuto;
    std::vector<std::string> args;
    std::map<std::string, Secret> env;
    std::map<std::string, std::string> preopens;
    Duration timeout = std::chrono::seconds(30);
    Bytes memory_limit = 256_MiB;
    std::string_view memory_key = "memoryLimit";  // a literal: the key that says so, in errors
    Bytes max_output = 10_MiB;
    bool fail_open = false;
    core::CallFacts::Direction phase = core::CallFacts::Direction::kOutbound;  // of targets
  };
  static config::Spec<Config> spec();
  static config::Spec<Config> target_spec();
  // Asks for wasm::FullEngineSupport, wasm::CapacityOptions and ProcessNetwork, and checks less without them.
  static void check(const Config& config, const core::Resources& resources, config::Report& report);
  // Asks for wasm::Runtimes and wasm::Capacity.
  static Result<> compile(const Config& config, const core::Resources& resources);
  static core::Prepared<core::Interceptor> prepare(const Config& config, core::BuildContext& context);

  // What all shards share.
  struct Shared {
    std::string module;  // its path as it was configured, for what the operator reads
    OnFailure on_failure = OnFailure::kReject;
    std::shared_ptr<wasm::PoolShare> pool;
    observe::Log log;
    std::shared_ptr<const observe::SeriesGroup> series;
    observe::Counter* calls = nullptr;
    observe::Counter* dropped_headers = nullptr;
    observe::Histogram* seconds = nullptr;
  };

  WasmInterceptor(async::Shard& shard, wasm::Capacity& capacity, const Shared& shared);
  ~WasmInterceptor() override;
  Task<Result<>> process(core::Event& event) override;

 private:
  // Of guests that are started ahead, for no event yet.
  class StartStderr final : public wasm::wasi::StderrSink {
   public:
    explicit StartStderr(observe::SampledLog& log) : stderr_log_(log) {}
    void line(std::string_view text) override { stderr_log_.write("wasm stderr", {{"text", text}}); }
    void denied(std::string_view attempt) override { stderr_log_.write("wasm network attempt denied", {{"attempt", attempt}}); }

   private:
    observe::SampledLog& stderr_log_;
  };

  Task<Result<>> run_guest(core::Event& event);
  Error count(Error error, std::string_view kind);

  const Shared& shared_;  // the plan's
  std::shared_ptr<wasm::InstancePool> pool_;
  observe::SampledLog passed_log_;
  observe::SampledLog stderr_log_;
  StartStderr start_stderr_{stderr_log_};
  EnvelopeAnswer answer_;
};

}  // namespace fiso::interceptors

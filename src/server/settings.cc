#include "server/settings.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "config/file_text.h"
#include "flow/flow_loader.h"

namespace fiso::server {
namespace {

constexpr char kTotalBodyBytes[] = "maxTotalBodyBytes";

const config::Rules<Duration>& time_rules() {
  static const config::Rules<Duration> rules = config::between<Duration>(std::chrono::milliseconds(1), std::chrono::hours(24));
  return rules;
}

config::Spec<wasm::CompileLimits> compile_spec() {
  return config::Spec<wasm::CompileLimits>("compile", "Limits of the process that compiles a module.")
      .field("cpu", &wasm::CompileLimits::cpu, "CPU time.",
             config::between<Duration>(std::chrono::seconds(1), std::chrono::hours(1)))
      .field("memory", &wasm::CompileLimits::memory, "Memory.", config::between<Bytes>(64_MiB, 64_GiB));
}

}  // namespace

config::Spec<WasmSettings> wasm_settings_spec() {
  return config::Spec<WasmSettings>("wasm", "What all WebAssembly guests share.")
      .field("maxInstances", &WasmSettings::max_instances, "Instances at once, those started ahead included.",
             config::between<int64_t>(1, 10'000))
      .field("instanceQueue", &WasmSettings::instance_queue, "Events that wait for an instance; more are answered 503.",
             config::between<int64_t>(0, 1'000'000))
      .field("totalMemory", &WasmSettings::total_memory,
             "Memory of all instances together, long output included; 0 is half of what the process may use.",
             config::between<Bytes>(0_B, Bytes{1ull << 46}))
      .field("maxStack", &WasmSettings::max_stack, "Stack of one guest.", config::between(wasm::kLeastStack, wasm::kMostStack))
      .field("compile", &WasmSettings::compile, compile_spec(), "Compiling.");
}

config::Spec<net::ServerLimits> http_settings_spec() {
  using net::ServerLimits;
  auto one_body_fits = [](const ServerLimits& limits, config::Report& report) {
    if (limits.total_body_bytes < limits.body_bytes)
      report.error(kTotalBodyBytes, "{path} must be at least maxBodyBytes, " + format_bytes(limits.body_bytes));
  };
  return config::Spec<ServerLimits>("http", "Limits of the listeners.")
      .field("maxConnections", &ServerLimits::connections, "Connections at once, over all listeners; more are answered 503.",
             config::between<size_t>(1, 1'000'000))
      .field("maxHeaderBytes", &ServerLimits::header_bytes, "Request line and headers; more is 431.",
             config::between<Bytes>(1_KiB, 1_MiB))
      .field("maxHeaders", &ServerLimits::header_fields, "Header fields; more is 431.", config::between<size_t>(1, 10'000))
      .field("maxBodyBytes", &ServerLimits::body_bytes, "Body; more is 413.", config::between<Bytes>(1_B, 4_GiB))
      .field(kTotalBodyBytes, &ServerLimits::total_body_bytes,
             "Bodies of all requests in memory, over all listeners; more are answered 503. Those up to 16KiB do not count.",
             config::between<Bytes>(64_KiB, Bytes{1ull << 46}))
      .field("headerTimeout", &ServerLimits::header_timeout, "From the first byte of a request to the end of its headers.",
             time_rules())
      .field("bodyTimeout", &ServerLimits::body_timeout, "In which a body must end or make progress.", time_rules())
      .field("idleTimeout", &ServerLimits::idle_timeout, "Between requests of a connection.", time_rules())
      .field("writeTimeout", &ServerLimits::write_timeout, "In which an answer must be taken or make progress.", time_rules())
      .check({"maxBodyBytes", kTotalBodyBytes}, one_body_fits);
}

config::Spec<Settings> settings_spec() {
  return config::Spec<Settings>("settings", "Settings of the process, in fiso.yaml beside the flows.")
      .field("shards", &Settings::shards, "Threads that serve; 0 is one per CPU.", config::between<int64_t>(0, 256))
      .field("shutdownTimeout", &Settings::shutdown_timeout, "How long a stop waits for what is in flight.", time_rules())
      .field("network", &Settings::network, guest_network_spec(),
             "Of guests whose flow says nothing else; `runtime: wasmer` (fiso-flow-wasmer).")
      .field("wasm", &Settings::wasm, wasm_settings_spec(), "Guests.")
      .field("http", &Settings::http, http_settings_spec(), "Listeners.");
}

Settings load_settings(const std::string& directory, const wasm::FullEngineSupport& full, config::Errors& errors) {
  Settings settings;
  std::string file = (std::filesystem::path(directory) / flow::kSettingsFile).string();
  std::error_code unknown;
  if (!std::filesystem::exists(std::filesystem::symlink_status(file, unknown))) return settings;
  auto text = config::read_file_text(file);
  if (!text.has_value()) {
    errors.add({file, 0, 0, "", "the file cannot be read: " + text.error().message()});
    return settings;
  }
  auto document = config::Document::parse(*text, file, errors);
  if (!document.has_value()) return settings;
  auto spec = settings_spec();
  if (!full.why_not.empty())
    spec.check({"network"}, [&full](const Settings&, config::Report& report) {
      if (report.has("network")) report.error("network", "{path} has an effect with `runtime: wasmer` only: " + full.why_not);
    });
  spec.parse(document->root(), "", settings, errors);
  return settings;
}

}  // namespace fiso::server

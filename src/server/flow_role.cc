#include "server/flow_role.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "apps/app_interceptor.h"
#include "components/process_network.h"
#include "server/host.h"

namespace fiso::server {
namespace {

constexpr std::chrono::hours kIdleLook{1};
constexpr std::chrono::seconds kRetiredLook{1};

MonotonicTime now() { return Clock::system().now(); }

// What the process has is said by the program's own file.
void refuse_settings_file(const std::string& directory, config::Errors& errors) {
  std::string file = (std::filesystem::path(directory) / flow::kSettingsFile).string();
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, unknown)))
    errors.add({file, 0, 0, "", "what it says is for the whole process: it belongs into the program's own file"});
}

// All flows against each other, and against what the process has.
void check_drafts(const FlowRoleOptions& options, const Settings& settings, FlowSurroundings* around,
                  wasm::FullEngineSupport full, const std::vector<flow::FlowDraft>& flows, config::Errors& errors) {
  net::RouteTables claims(0);
  claims.reserve(options.admin_address, "the admin port (FISO_METRICS_ADDR)");
  if (around != nullptr)
    for (const auto& [address, owner] : around->ports) claims.reserve(address, owner);
  wasm::CapacityOptions capacity = capacity_options(settings.wasm);
  ProcessNetwork network(settings.network);
  core::Resources checked_with;
  checked_with.add(claims);
  checked_with.add(full);
  checked_with.add(capacity);
  checked_with.add(network);
  apps::AppNames apps;
  if (around != nullptr) {
    apps.names = around->names.apps;
    checked_with.add(apps);
    checked_with.add(around->names);
  }
  flow::check_flows(flows, checked_with, errors);
}

// A line for each file.
void log_broken_files(const config::Errors& errors, const observe::Log& log) {
  std::map<std::string, std::string> files;
  for (const config::ConfigError& error : errors.sorted()) {
    std::string& lines = files[error.file];
    lines += (lines.empty() ? "" : "\n") + error.render();
  }
  for (const auto& [path, lines] : files) log.error("failed to load config file", {{"path", path}, {"error", lines}});
}

}  // namespace

Result<FlowReading> read_flows(const FlowRoleOptions& options, const core::Registry& registry,
                               const wasm::FullEngineSupport& full, config::Errors& errors) {
  FlowReading reading;
  std::optional<FlowSurroundings> around;
  if (options.surroundings == nullptr) {
    reading.settings = load_settings(options.config_dir, full, errors);
  } else {
    around = options.surroundings();
    reading.settings = around->settings;
    refuse_settings_file(options.config_dir, errors);
  }
  auto flows = flow::load_flows(options.config_dir, registry, errors);
  if (!flows.has_value()) {
    std::string message = "load config: " + flows.error().message();
    return flows.take_error().with_message(std::move(message));
  }
  check_drafts(options, reading.settings, around.has_value() ? &*around : nullptr, full, *flows, errors);
  if (!errors.empty()) {
    std::string count = std::to_string(errors.size()) + (errors.size() == 1 ? " problem" : " problems");
    std::string message = "load config: " + count + "\n" + errors.render();
    message.pop_back();  // the last line's end
    return Error(ErrorCode::kInvalidConfig, std::move(message));
  }
  reading.flows = std::move(*flows);
  return reading;
}

FlowRole::FlowRole(FlowRoleOptions options, const core::Registry& registry, wasm::FullEngineSupport full)
    : options_(std::move(options)),
      registry_(registry),
      full_(std::move(full)),
      reloads_(Reloads::Of::kDirectory, options_.config_dir) {}

FlowRole::~FlowRole() = default;

Result<> FlowRole::read() {
  config::Errors errors;
  auto reading = read_flows(options_, registry_, full_, errors);
  if (host_ != nullptr) log_broken_files(errors, host_->log);  // at the start there is no log yet, and the error is shown
  FISO_TRY(reading_, std::move(reading));
  return {};
}

Result<> FlowRole::join(Host& host) {
  host_ = &host;
  reloads_.join(host.metrics, host.log);
  host.health.set_not_ready("listeners");
  host.health.set_not_ready("modules");
  output_ = std::make_unique<sinks::LineQueue>(STDOUT_FILENO);
  host.resources().add(*output_);
  listeners_ = std::make_unique<Listeners>(host.parts.shards, host.settings.http, host.parts.commons, host.log);
  return {};
}

Result<> FlowRole::start() {
  reloads_.announce();
  MonotonicTime began = now();
  FISO_TRY_OK(host_->runtimes());
  FISO_TRY_OK(build_and_serve());
  reloads_.record_start(now() - began);
  host_->health.set_ready("modules");
  host_->health.set_ready("listeners");
  return {};
}

Result<> FlowRole::build_and_serve() {
  FISO_TRY(auto generation, Generation::build(std::exchange(reading_.flows, {}), {host_->parts.shards, host_->resources(),
                                                                                  host_->metrics, host_->log, host_->stop}));
  FISO_TRY_OK(listeners_->open_for(*generation));
  host_->log.info("starting flows", {{"count", generation->flows().size()}});
  FISO_TRY_OK(listeners_->serve(generation));
  std::set<std::string> names;
  for (const auto& flow : generation->flows()) names.insert(flow->name());
  for (const std::string& name : std::exchange(served_, names))
    if (!names.contains(name)) host_->log.info("flow stopped", {{"name", name}});
  for (const auto& flow : generation->flows()) host_->log.info("flow started", {{"name", flow->name()}});
  return {};
}

void FlowRole::reload(const ControlEvents& events) {
  if (!reloads_.concerned(events)) return;
  reload_due_ = options_.surroundings_change();
  if (!reload_due_) reload();
}

void FlowRole::reload() {
  reload_due_ = false;
  reloads_.begin();
  Result<> outcome = read_and_serve();
  failed_with_.reset();
  if (!outcome.has_value() && !is_alone()) failed_with_ = options_.surroundings().names;
  reloads_.end(outcome);
}

Result<> FlowRole::read_and_serve() {
  FISO_TRY_OK(read());
  if (is_alone()) reloads_.note_changes(host_->settings, reading_.settings);
  FISO_TRY_OK(build_and_serve());
  if (is_alone()) host_->settings.shutdown_timeout = reading_.settings.shutdown_timeout;
  return {};
}

Duration FlowRole::look() {
  listeners_->reap();
  // What was missing may have come since.
  bool may_be_good = failed_with_.has_value() && *failed_with_ != options_.surroundings().names;
  if ((reload_due_ || may_be_good) && !options_.surroundings_change()) reload();
  return listeners_->has_retired() ? Duration(kRetiredLook) : Duration(kIdleLook);
}

void FlowRole::begin_drain(MonotonicTime deadline) { listeners_->begin_drain(deadline); }

Drain FlowRole::drain_state() {
  Drain state = listeners_->drain_state();
  if (state != Drain::kUnderWay)
    for (const std::string& name : std::exchange(served_, {})) host_->log.info("flow stopped", {{"name", name}});
  return state;
}

void FlowRole::release() {
  listeners_.reset();
  output_.reset();
}

}  // namespace fiso::server
